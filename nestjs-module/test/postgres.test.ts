/** The module on a real PostgreSQL: boot before the server, a shutdown that hands over, a table of one's own. */
import assert from 'node:assert/strict';
import { Injectable } from '@nestjs/common';
import { LeaderElectionService, LeaderOnly, OnDefeated, OnElected } from '@interrex/nestjs';
import { type Defeat, schema } from 'interrex';
import {
  bootWith,
  closeAll,
  type PostgresServer,
  RecordingLogger,
  startPostgres,
  until,
  uniqueName,
} from './support.js';

describe('with PostgreSQL', () => {
  let server: PostgresServer;
  // So long that only a release can explain a succession.
  const patient = { heartbeat: 10_000, timeout: 300_000 };

  before(async () => (server = await startPostgres()));
  after(() => server.stop());
  afterEach(closeAll);

  @Injectable()
  class Work {
    elected = 0;
    readonly reasons: string[] = [];
    @OnElected()
    take() {
      this.elected++;
    }
    @OnDefeated()
    lose({ reason }: Defeat) {
      this.reasons.push(reason);
    }
    @LeaderOnly()
    answer() {
      return Promise.resolve(42);
    }
  }

  function application(name: string) {
    return bootWith(
      { ...patient, name, url: server.url, waitForStart: true },
      { providers: [Work] },
    );
  }

  it('one application leads, and its shutdown lets the next one lead at once', async () => {
    const name = uniqueName();
    const first = await application(name);
    await first.get(LeaderElectionService).whenLeader();
    const second = await application(name);
    assert.equal(await first.get(Work).answer(), 42);
    assert.equal(await second.get(Work).answer(), undefined);
    await first.close();
    await second.get(LeaderElectionService).whenLeader();
    assert.equal(await second.get(Work).answer(), 42);
    assert.deepEqual(first.get(Work).reasons, ['stopped']);
    await until('the handler has run', () => second.get(Work).elected === 1);
  });

  it('a boot before the server is not held up, and leads once it is there', async () => {
    await server.kill();
    const logger = new RecordingLogger();
    const name = uniqueName();
    const booted = await bootWith({ name, url: server.url }, {}, logger);
    await until('the trouble is logged', () => logger.lines.some((line) => /^error/.test(line)));
    assert.equal(booted.get(LeaderElectionService).isLeader(), false);
    await server.restart();
    await booted.get(LeaderElectionService).whenLeader();
  });

  it('a migration may make the table', async () => {
    const namespace = 'migrated';
    const logger = new RecordingLogger();
    const options = { name: uniqueName(), namespace, createTable: false, url: server.url };
    const booted = await bootWith(options, {}, logger);
    await until('the table is asked for', () =>
      logger.lines.some((line) => line.includes('"migrated_ledger", and createTable is false')),
    );
    await server.say(schema({ namespace }));
    await booted.get(LeaderElectionService).whenLeader();
  });
});
