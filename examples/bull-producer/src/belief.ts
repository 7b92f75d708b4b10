/**
 * Writes down from when to when this process believed to lead, by asking the caller-side check every
 * 2 ms and before every add. The demo lays these notes of all processes over each other afterwards.
 * It must never change what the process does.
 *
 * A note: {from} when the check becomes true, {from, to, leftNs, next} when it no longer is: the last
 * time it was true, what was left of the deadline then, and the first time it was false. The clock is
 * CLOCK_MONOTONIC, one for all processes of a host.
 */
import { openSync, writeSync } from 'node:fs';
import { Inject, Injectable, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { LeaderElectionService, OnElected } from '@interrex/nestjs';
import type { Leadership } from 'interrex';
import { report, surroundings } from './names.js';

const EVERY_MS = 2;

@Injectable()
export class Belief implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly file = openSync(surroundings().beliefs, 'a');
  private leadership?: Leadership;
  private open?: { from: bigint; to: bigint; leftNs: bigint; term: number };
  private timer?: NodeJS.Timeout;

  constructor(@Inject(LeaderElectionService) private readonly election: LeaderElectionService) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.sample(), EVERY_MS);
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.sample();
  }

  @OnElected()
  elected(leadership: Leadership): void {
    this.leadership = leadership;
    this.sample();
  }

  /** `isLeader` says that new work may begin, `check` that work in progress may go on: either is belief. */
  sample(): void {
    const now = process.hrtime.bigint();
    const believes = this.election.isLeader() || this.leadership?.check() === true;
    // The term tells one belief from the next; whether it is one, the check alone says.
    const term = this.election.token?.term ?? this.open?.term ?? 0;
    if (this.open !== undefined && (!believes || term !== this.open.term)) this.close(now);
    if (!believes) return;
    if (this.open === undefined) {
      this.open = { from: now, to: now, leftNs: 0n, term };
      this.note({ from: now, term });
      report({ kind: 'leads', leads: true, term });
    }
    this.open.to = now;
    const leftMs = this.leadership?.term === term ? this.leadership.remaining() : 0;
    this.open.leftNs = BigInt(Math.floor(Math.min(leftMs, 600_000) * 1e6));
  }

  private close(next: bigint): void {
    const { from, to, leftNs, term } = this.open!;
    this.open = undefined;
    this.note({ from, to, leftNs, next, term });
    report({ kind: 'leads', leads: false, term });
  }

  private note(it: Record<string, bigint | number>): void {
    const plain = Object.entries(it).map(([key, value]) => [key, String(value)]);
    writeSync(this.file, `${JSON.stringify(Object.fromEntries(plain))}\n`);
  }
}
