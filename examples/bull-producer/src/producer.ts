/**
 * One of the three NestJS instances. Everything a singleton needs is in `Producer`: it begins when
 * this instance is elected and ends when it no longer leads. The rest is any Nest application.
 */
import { getQueueToken, BullModule } from '@nestjs/bullmq';
import { Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LeaderElectionModule, LeaderOnly, OnDefeated, OnElected } from '@interrex/nestjs';
import type { Defeat, Leadership } from 'interrex';
import { Belief } from './belief.js';
import { QUEUE, report, surroundings } from './names.js';
import { EventQueue, Superseded } from './queue.js';
import { EventTail } from './tail.js';

const { label, port, election } = surroundings();

@Injectable()
class Producer {
  constructor(
    @Inject(EventTail) private readonly tail: EventTail,
    @Inject(getQueueToken(QUEUE)) private readonly queue: EventQueue,
    @Inject(Belief) private readonly belief: Belief,
  ) {}

  /** Leader work: a shutdown waits until the add in progress is through. */
  @OnElected()
  @LeaderOnly()
  async produce(leadership: Leadership): Promise<void> {
    try {
      let position = await this.queue.takePosition(leadership);
      for (;;) {
        const event = await this.tail.after(position, leadership.draining);
        if (event === undefined) return;
        position = await this.queue.addEvent(event, leadership, () => this.belief.sample());
      }
    } catch (error) {
      if (!(error instanceof Superseded)) throw error;
      report({ kind: 'says', text: `stops adding: ${error.message}` });
    }
  }

  @OnDefeated()
  defeated({ term, reason }: Defeat): void {
    report({ kind: 'says', text: `leads no longer in term ${term}: ${reason}` });
  }
}

BullModule.queueClass = EventQueue;

@Module({
  imports: [
    BullModule.forRoot({ connection: { host: '127.0.0.1', port } }),
    BullModule.registerQueue({ name: QUEUE }),
    LeaderElectionModule.forRoot({
      name: election,
      url: `redis://127.0.0.1:${port}`,
      label,
      waitForStart: true,
    }),
  ],
  providers: [EventTail, Belief, Producer],
})
class Application {}

async function main(): Promise<void> {
  // Standard output belongs to the reports; what Nest has to say goes with the errors.
  const application = await NestFactory.createApplicationContext(Application, {
    logger: ['warn', 'error'],
  });
  application.enableShutdownHooks();
  report({ kind: 'ready' });
}

// Whoever started this is gone.
process.stdin.on('end', () => process.exit(1)).resume();

void main();
