/** With a BullMQ queue on a real Redis: leader work may use the queue to its end, whoever closes it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BullModule, getQueueToken } from '@nestjs/bullmq';
import { Inject, Injectable } from '@nestjs/common';
import { LeaderElectionService, LeaderOnly, OnElected } from '@interrex/nestjs';
import { Queue } from 'bullmq';
import type { Leadership } from 'interrex';
import { bootWith, closeAll, until, uniqueName } from './support.js';

describe('with BullMQ', () => {
  let directory: string;
  let server: ChildProcess;
  let port: number;

  before(async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    port = (probe.address() as AddressInfo).port;
    probe.close();
    await once(probe, 'close');
    directory = mkdtempSync(path.join(tmpdir(), 'interrex-nest-'));
    const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory];
    server = spawn('redis-server', [...settings, '--save', ''], { stdio: 'ignore' });
  });
  after(async () => {
    const exit = once(server, 'exit');
    server.kill('SIGKILL');
    await exit;
    rmSync(directory, { recursive: true });
  });
  afterEach(closeAll);

  @Injectable()
  class Producer {
    error: unknown;
    constructor(@Inject(getQueueToken('work')) private readonly queue: Queue) {}

    @OnElected()
    @LeaderOnly()
    async produce(leadership: Leadership) {
      await this.queue.add('first', {});
      await once(leadership.draining, 'abort');
      await new Promise((resolve) => setTimeout(resolve, 100));
      await this.queue.add('last', { check: leadership.check() });
    }
  }

  function application(name: string) {
    const connection = { host: '127.0.0.1', port };
    return bootWith(
      { name, url: `redis://127.0.0.1:${port}` },
      {
        imports: [BullModule.forRoot({ connection }), BullModule.registerQueue({ name: 'work' })],
        providers: [Producer],
      },
    );
  }

  it('adds its last job during the shutdown, before the queue closes; a successor goes on', async () => {
    const name = uniqueName();
    const first = await application(name);
    await first.get(LeaderElectionService).whenLeader();
    const second = await application(name);
    const waiting = () => second.get<Queue>(getQueueToken('work')).getJobs(['waiting']);
    let names: string[] = [];
    const look = () => void waiting().then((jobs) => (names = jobs.map((job) => job.name).sort()));
    await until('the first job is there', () => (look(), names.length === 1));

    const queue = first.get<Queue>(getQueueToken('work'));
    await first.close();
    assert.notEqual(queue.closing, undefined, 'the queue has closed by now');
    await second.get(LeaderElectionService).whenLeader();
    await until('the successor has added its first', () => (look(), names.length === 3));
    assert.deepEqual(names, ['first', 'first', 'last']);
    const last = (await waiting()).find((job) => job.name === 'last');
    assert.deepEqual(
      last?.data,
      { check: true },
      'the leadership was in force to the end of its work',
    );
  });
});
