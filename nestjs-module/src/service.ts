/**
 * What an application injects: the election that `forRoot` set up, in the words of `interrex`. It
 * adds nothing; it is there so that a constructor can name a class.
 */
import { Inject, Injectable } from '@nestjs/common';
import type { Election, Leadership } from 'interrex';
import { getElectionToken } from './constants.js';

@Injectable()
export class LeaderElectionService {
  /** @param election - the election itself, for its events and whatever is not repeated here */
  constructor(@Inject(getElectionToken()) readonly election: Election) {}

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
  get leader(): Election['leader'] {
    return this.election.leader;
  }

  members(): ReturnType<Election['members']> {
    return this.election.members();
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
