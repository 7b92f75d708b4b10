/**
 * What an application injects: the election that `forRoot` set up, in the words of `interrex`. It
 * adds nothing; it is there so that a constructor can name a class, and the types of what members
 * say to one another beside it.
 */
import { Inject, Injectable } from '@nestjs/common';
import type { Audience, Election, Json, Leadership, Version } from 'interrex';
import { getElectionToken } from './constants.js';

@Injectable()
export class LeaderElectionService<Meta = Json, Value = Json, Message = Json> {
  /** @param election - the election itself, for its events and whatever is not repeated here */
  constructor(@Inject(getElectionToken()) readonly election: Election<Meta, Value, Message>) {}

  /** True only inside the deadline of this instance's leadership, with at least `needMs` left of it. */
  isLeader(needMs = 0): boolean {
    return this.election.isLeader(needMs);
  }

  get role(): Election['role'] {
    return this.election.role;
  }

  get term(): Election['term'] {
    return this.election.term;
  }

  /** The fencing token of this instance's leadership; null without one. */
  get token(): Election['token'] {
    return this.election.token;
  }

  /** Who leads, as far as known here; null if nobody does. */
  get leader(): Election<Meta>['leader'] {
    return this.election.leader;
  }

  /** Everyone who takes part, with what each says of itself. */
  members(): ReturnType<Election<Meta>['members']> {
    return this.election.members();
  }

  /** What this instance says of itself to all others. */
  get meta(): Meta | null {
    return this.election.meta;
  }

  /** Changes it; resolves once it is written. */
  setMeta(value: Meta | null): Promise<void> {
    return this.election.setMeta(value);
  }

  /** Sends a value to other members, at most once; `@OnLeaderMessage()` receives it. */
  send(to: Audience, value: Message): Promise<void> {
    return this.election.send(to, value);
  }

  /** The newest published value that arrived here; null if there is none. */
  get value(): Value | null {
    return this.election.value;
  }

  /** Publishes a value for all members and the leaders to come. Only the leader may: code `NOT_LEADER`. */
  publish(value: Value): Promise<{ readonly version: Version }> {
    return this.election.publish(value);
  }

  /** Resolves with the leadership as soon as this instance leads. */
  whenLeader(options?: { signal?: AbortSignal }): Promise<Leadership> {
    return this.election.whenLeader(options);
  }

  /** Runs `fn` whenever this instance is elected, until it settles; resigns then, unless `keep`. */
  lead<T>(
    fn: (leadership: Leadership) => T | PromiseLike<T>,
    options?: { signal?: AbortSignal; keep?: boolean },
  ): Promise<T> {
    return this.election.lead(fn, options);
  }

  /** Gives leadership up, work in progress first. */
  resign(): Promise<void> {
    return this.election.resign();
  }

  /** Gives leadership to the member with this id. */
  transfer(id: string): Promise<void> {
    return this.election.transfer(id);
  }
}
