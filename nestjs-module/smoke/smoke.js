'use strict';
// What must hold on every Nest that is a peer: the boot, the service, the decorators, the order of
// the shutdown. Plain JavaScript, because each Nest brings types of its own. Prints one line.

const assert = require('node:assert/strict');
require('reflect-metadata');
const { Injectable, Module, Logger } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const nest = require('@interrex/nestjs');

const log = [];

class Work {
  elected(leadership) {
    log.push(`elected ${leadership.check()}`);
  }
  defeated({ reason }) {
    log.push(`defeated ${reason}`);
  }
  received({ data, fromLeader }) {
    log.push(`received ${data} ${fromLeader}`);
  }
  async slow() {
    log.push('work begins');
    await new Promise((resolve) => setTimeout(resolve, 100));
    log.push('work ends');
    return 'done';
  }
  onApplicationShutdown() {
    log.push('the others close');
  }
}

function decorate(method, decorator) {
  const descriptor = Object.getOwnPropertyDescriptor(Work.prototype, method);
  decorator(Work.prototype, method, descriptor);
  Object.defineProperty(Work.prototype, method, descriptor);
}
decorate('elected', nest.OnElected());
decorate('defeated', nest.OnDefeated());
decorate('received', nest.OnLeaderMessage());
decorate('slow', nest.LeaderOnly());
Injectable()(Work);

class Application {}
Module({
  imports: [
    nest.LeaderElectionModule.forRootAsync({
      useFactory: () => ({ name: 'smoke', url: 'memory:', waitForStart: true }),
    }),
  ],
  providers: [Work],
})(Application);

async function main() {
  const { version } = require('@nestjs/core/package.json');
  assert.equal(version.split('.')[0], process.argv[2], `this is Nest ${version}`);

  Logger.overrideLogger(['warn', 'error']);
  const application = await NestFactory.createApplicationContext(Application, {
    logger: ['warn', 'error'],
  });
  const service = application.get(nest.LeaderElectionService);
  const work = application.get(Work);
  await service.whenLeader();
  assert.equal(service.isLeader(), true);

  const { Election } = require('interrex');
  const other = new Election({ name: 'smoke', url: 'memory:', candidate: false });
  await other.start();
  await other.send('leader', 'hello');
  while (log.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  await other.stop();

  const done = work.slow();
  await new Promise((resolve) => setImmediate(resolve));
  await application.close();
  assert.equal(await done, 'done');
  assert.equal(await work.slow(), undefined, 'after the end nobody leads');
  assert.deepEqual(log, [
    'elected true',
    'received hello false',
    'work begins',
    'work ends',
    'defeated stopped',
    'the others close',
  ]);
  console.log(`  ✔ smoke test on Nest ${version}`);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
