/** An application in a process of its own, for tests that send signals. `hooks` turns shutdown hooks on. */
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LeaderElectionModule, OnDefeated, OnElected } from '@interrex/nestjs';

const say = (line: string) => process.stdout.write(`${line}\n`);

@Injectable()
class Handler {
  @OnElected()
  elected() {
    say('elected');
  }
  @OnDefeated()
  defeated({ reason }: { reason: string }) {
    say(`defeated ${reason}`);
  }
  onApplicationShutdown() {
    say('closed');
  }
}

@Module({
  imports: [LeaderElectionModule.forRoot({ name: 'application', url: 'memory:' })],
  providers: [Handler],
})
class Application {}

async function main(): Promise<void> {
  const application = await NestFactory.createApplicationContext(Application, {
    logger: ['warn', 'error'],
  });
  if (process.argv[2] === 'hooks') application.enableShutdownHooks();
  say('booted');
}

void main();
