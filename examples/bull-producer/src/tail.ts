/**
 * Tails the event store: every process sees every event, leader or not, as with a catch-up
 * subscription. It keeps what it has seen, so that a new leader can go on from any position.
 */
import { Injectable, OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { Redis } from 'ioredis';
import { EVENTS, report, surroundings } from './names.js';

export interface StoredEvent {
  /** The stream's id: the position. */
  id: string;
  n: number;
}

const REPORT_EVERY_MS = 200;

@Injectable()
export class EventTail implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly redis = new Redis(surroundings().port, '127.0.0.1', {
    maxRetriesPerRequest: null,
  });
  private readonly seen: StoredEvent[] = [];
  private readonly index = new Map<string, number>();
  private waiting = new Set<() => void>();
  private ended = false;

  onApplicationBootstrap(): void {
    void this.follow();
    let reported = -1;
    setInterval(() => {
      if (this.seen.length !== reported)
        report({ kind: 'seen', seen: (reported = this.seen.length) });
    }, REPORT_EVERY_MS).unref();
  }

  onModuleDestroy(): void {
    this.ended = true;
    this.redis.disconnect();
  }

  /** The event after a position ('0-0': the first); waits for one. Undefined once `signal` is aborted. */
  async after(position: string, signal: AbortSignal): Promise<StoredEvent | undefined> {
    for (;;) {
      if (signal.aborted) return undefined;
      const at = position === '0-0' ? -1 : this.index.get(position);
      const next = at === undefined ? undefined : this.seen[at + 1];
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.waiting.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
  }

  private async follow(): Promise<void> {
    let last = '0-0';
    while (!this.ended) {
      const answer = await this.redis
        .xread('COUNT', 500, 'BLOCK', 1000, 'STREAMS', EVENTS, last)
        .catch((error: unknown) => {
          if (!this.ended) throw error;
          return null;
        });
      for (const [id, fields] of answer?.[0]?.[1] ?? []) {
        this.index.set(id, this.seen.push({ id, n: Number(fields[1]) }) - 1);
        last = id;
      }
      for (const wake of [...this.waiting]) wake();
    }
  }
}
