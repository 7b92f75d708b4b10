/**
 * A BullMQ queue that takes a job together with the position it stands for, from the leader alone.
 * Job and position are one transaction, so there is no moment at which one of them is there without
 * the other: a successor adds the next event, never the same again. The transaction is void if the
 * position has moved meanwhile, as it does when a successor takes it over under a higher term: that
 * is the fence, for a leader that was stopped between its check and its write.
 */
import { Job, Queue } from 'bullmq';
import type { Leadership } from 'interrex';
import { ATTEMPTS, surroundings } from './names.js';
import type { StoredEvent } from './tail.js';

/** What a leader must have left of its deadline before it sends an add. */
const NEED_MS = 50;

/** Raises the position's term to that of a new leader, and tells where its predecessor stopped; nil if a higher term was there. */
const TAKE = `
local term = tonumber(redis.call('HGET', KEYS[1], 'term') or '0')
if term > tonumber(ARGV[1]) then return false end
redis.call('HSET', KEYS[1], 'term', ARGV[1])
return redis.call('HGET', KEYS[1], 'id') or '0-0'`;

/** This process leads no longer: somebody else has the position, or the deadline is too near. */
export class Superseded extends Error {}

export class EventQueue extends Queue<{ n: number }> {
  private readonly position = `demo:position:${surroundings().election}`;
  private readonly by = surroundings().label;

  /** The position that a new leader goes on from. */
  async takePosition(leadership: Leadership): Promise<string> {
    const client = await this.raw();
    const id = await client.eval(TAKE, 1, this.position, leadership.term);
    if (id === null) throw new Superseded(`a term above ${leadership.term} has the position`);
    return id as string;
  }

  /** Adds the event's job and moves the position to it, both or neither. `witness` runs just before. */
  async addEvent(event: StoredEvent, leadership: Leadership, witness: () => void): Promise<string> {
    const client = await this.raw();
    const backend = this.getBackend();
    const job = new Job(this, 'event', { n: event.n }, {}, `event-${event.n}`);
    await client.watch(this.position);
    const term = Number(await client.hget(this.position, 'term'));
    const transaction = (await backend.client).multi();
    void backend.addJobToTransaction(transaction, job.asJSON(), job.id!);
    transaction.hset(this.position, { id: event.id, term: leadership.term });
    transaction.runCommand('xadd', [ATTEMPTS, '*', 'n', event.n, 'by', this.by]);
    witness();
    if (!leadership.check(NEED_MS)) {
      await client.unwatch();
      throw new Superseded('too little is left of the deadline');
    }
    const results = term === leadership.term ? await transaction.exec() : null;
    if (results === null) {
      // It believed to lead and was kept out: an attempt all the same.
      await client.unwatch();
      await client.xadd(ATTEMPTS, '*', 'n', event.n, 'by', this.by, 'refused', '1');
      throw new Superseded('the position has moved');
    }
    for (const [error] of results) if (error !== null) throw error;
    return event.id;
  }

  /** BullMQ's connection as what it is, an ioredis client: WATCH is not among the commands that BullMQ names. */
  private async raw(): Promise<import('ioredis').Redis> {
    return (await this.getBackend().client) as unknown as import('ioredis').Redis;
  }
}
