/**
 * The fence of queue.ts, which a demo that goes well hardly ever needs: a leader that was stopped in
 * the narrowest place, after its check and before its write, is let go on there.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Redis } from 'ioredis';
import type { Leadership } from 'interrex';
import { endAll, startRedis } from './processes.js';
import { ATTEMPTS, FINISHED, QUEUE } from './names.js';
import type { EventQueue } from './queue.js';

/** A leadership whose holder still believes in it, as one does whose clock has not been asked again. */
const believing = (term: number) => ({ term, check: () => true }) as unknown as Leadership;
const event = (n: number) => ({ id: `${n}-0`, n });
const nothing = () => {};

let redis: Redis;
let port: number;
const queues: EventQueue[] = [];

async function producer(label: string): Promise<EventQueue> {
  Object.assign(process.env, {
    DEMO_LABEL: label,
    DEMO_PORT: String(port),
    DEMO_ELECTION: 'producers',
    DEMO_BELIEFS: '/dev/null',
  });
  const { EventQueue } = await import('./queue.js');
  const queue = new EventQueue(QUEUE, { connection: { host: '127.0.0.1', port } });
  queues.push(queue);
  return queue;
}

before(async () => ({ port, redis } = await startRedis()));
after(async () => {
  await Promise.all(queues.map((queue) => queue.close()));
  redis.disconnect();
  await endAll();
});

test('a leader adds and moves the position; its successor goes on there; the old one is refused', async () => {
  const [first, second] = [await producer('first'), await producer('second')];
  assert.equal(await first.takePosition(believing(1)), '0-0');
  assert.equal(await first.addEvent(event(1), believing(1), nothing), '1-0');

  // The first is stopped in the middle of its next add: the position changes hands before its write.
  const client = await first.getBackend().client;
  const { hget } = client as unknown as { hget: (...args: unknown[]) => Promise<string> };
  (client as unknown as { hget: typeof hget }).hget = async (...args) => {
    const term = await hget(...args);
    assert.equal(await second.takePosition(believing(2)), '1-0');
    return term;
  };
  await assert.rejects(first.addEvent(event(2), believing(1), nothing), /the position has moved/);
  (client as unknown as { hget: typeof hget }).hget = hget;
  assert.equal(await second.getJob('event-2'), undefined, 'a refused add leaves no job');

  assert.equal(await second.addEvent(event(2), believing(2), nothing), '2-0');
  await assert.rejects(first.addEvent(event(3), believing(1), nothing), /the position has moved/);
  await assert.rejects(first.takePosition(believing(1)), /a term above 1 has the position/);
  assert.equal(await second.takePosition(believing(3)), '2-0');

  const attempts = await redis.xrange(ATTEMPTS, '-', '+');
  const told = attempts.map(([, f]) => `${f[1]}${f.includes('refused') ? ' refused' : ''}`);
  assert.deepEqual(told, ['1', '2 refused', '2', '3 refused'], 'every attempt is in the log');
  assert.equal(await second.getWaitingCount(), 2);
});

test('an add whose deadline is too near is not sent', async () => {
  const queue = await producer('late');
  await queue.takePosition(believing(4));
  const attempts = await redis.xlen(ATTEMPTS);
  const late = { term: 4, check: (needMs: number) => needMs < 10 } as unknown as Leadership;
  await assert.rejects(queue.addEvent(event(3), late, nothing), /too little is left/);
  assert.equal(await redis.xlen(ATTEMPTS), attempts);
  assert.equal(await redis.exists(FINISHED), 0);
  assert.equal(
    await queue.addEvent(event(3), believing(4), nothing),
    '3-0',
    'and nothing is stuck',
  );
});
