/** Boot and shutdown: a store that is down, the order of the hooks, signals, and their absence. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { LeaderElectionService, LeaderOnly, OnDefeated } from '@interrex/nestjs';
import { InterrexError } from 'interrex';
import { bootWith, closeAll, RecordingLogger, until, uniqueName } from './support.js';

/** The URL of a Redis that is not there. */
async function nowhere(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `redis://127.0.0.1:${port}`;
}

/** Runs test/application.ts in a process of its own. */
function application(...args: string[]) {
  const child = spawn(process.execPath, [path.join(__dirname, 'application.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (chunk: Buffer) => (output += chunk.toString());
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const exit = once(child, 'close') as Promise<[number | null, string | null]>;
  return { child, exit, output: () => output };
}

describe('boot', () => {
  afterEach(closeAll);

  it('is not held up by a store that is down, which is logged; the shutdown is not either', async () => {
    const logger = new RecordingLogger();
    const app = await bootWith({ name: uniqueName(), url: await nowhere() }, {}, logger);
    const service = app.get(LeaderElectionService);
    assert.equal(service.isLeader(), false);
    assert.equal(service.leader, null);
    await until('the trouble is logged', () =>
      logger.lines.some((line) => line.startsWith('error')),
    );
    await app.close();
    assert.equal(service.role, 'stopped');
  });

  it('waits where it was asked to, and fails by startTimeout', async () => {
    const app = await bootWith({ name: uniqueName(), waitForStart: true });
    assert.notEqual(app.get(LeaderElectionService).role, 'stopped');
    await assert.rejects(
      bootWith({ name: uniqueName(), url: await nowhere(), waitForStart: true, startTimeout: 200 }),
      (error: unknown) => error instanceof InterrexError,
    );
  });

  it('that does not wait logs what became of startTimeout', async () => {
    const logger = new RecordingLogger();
    await bootWith({ name: uniqueName(), url: await nowhere(), startTimeout: 200 }, {}, logger);
    await until('it is logged', () => logger.lines.some((line) => /InterrexError/.test(line)));
  });
});

describe('shutdown', () => {
  afterEach(closeAll);

  it('says no on module destroy, drains before application shutdown, and then lets others close', async () => {
    const order: string[] = [];
    let finish: (() => void) | undefined;
    @Injectable()
    class Work {
      constructor(@Inject(LeaderElectionService) readonly service: LeaderElectionService) {}

      @LeaderOnly()
      async slow() {
        await new Promise<void>((resolve) => (finish = resolve));
        order.push('work ends');
      }
      @OnDefeated()
      defeated({ reason }: { reason: string }) {
        order.push(`defeated ${reason}`);
      }
      onModuleDestroy() {
        // The module is global: it is destroyed after those that use it.
        setTimeout(() => {
          order.push(`leads ${this.service.isLeader()} ${this.service.role}`);
          finish?.();
        }, 50);
      }
      onApplicationShutdown() {
        order.push(`the database closes; ${this.service.role}`);
      }
    }
    const app = await bootWith({ name: uniqueName() }, { providers: [Work] });
    const work = app.get(Work);
    await work.service.whenLeader();
    const running = work.slow();
    await until('it works', () => finish !== undefined);
    await app.close();
    await running;
    assert.deepEqual(order, [
      'leads false draining',
      'work ends',
      'defeated stopped',
      'the database closes; stopped',
    ]);
  });

  it('cuts off work that outlives drainLimit', async () => {
    let begun = false;
    @Injectable()
    class Work {
      @LeaderOnly()
      async endless() {
        begun = true;
        await new Promise(() => {});
      }
    }
    const app = await bootWith({ name: uniqueName(), drainLimit: 100 }, { providers: [Work] });
    const service = app.get(LeaderElectionService);
    const leadership = await service.whenLeader();
    void app.get(Work).endless();
    await until('it works', () => begun);
    await app.close();
    assert.equal(leadership.signal.aborted, true);
    assert.equal(service.role, 'stopped');
  });

  it('hands over: the successor leads as soon as the predecessor has stopped', async () => {
    const name = uniqueName();
    const first = await bootWith({ name });
    await first.get(LeaderElectionService).whenLeader();
    const second = (await bootWith({ name, waitForStart: true })).get(LeaderElectionService);
    const leads = second.whenLeader();
    assert.equal(second.isLeader(), false);
    await first.close();
    await leads;
    assert.equal(second.isLeader(), true);
  });

  it('by SIGTERM runs the hooks where they are on', async () => {
    const { child, exit, output } = application('hooks');
    // It may be elected before its hooks are on.
    await until('it leads', () => /elected/.test(output()) && /booted/.test(output()));
    child.kill('SIGTERM');
    assert.deepEqual(await exit, [null, 'SIGTERM']);
    assert.match(output().replace('booted\n', ''), /elected\ndefeated stopped\nclosed\n/);
    assert.doesNotMatch(output(), /hooks are off/);
  });

  it('warns once where the hooks are off', async () => {
    const { child, exit, output } = application();
    await until('it warned', () => output().includes('hooks are off'));
    child.kill('SIGTERM');
    await exit;
    assert.equal(output().match(/Shutdown hooks are off/g)?.length, 1);
    assert.match(output(), /enableShutdownHooks/);
  });
});

describe('the package', () => {
  it('is one module to require and to import', async () => {
    const required = require('@interrex/nestjs') as Record<string, unknown>;
    const imported = (await import('@interrex/nestjs')) as Record<string, unknown>;
    assert.deepEqual(
      Object.keys(required).sort(),
      Object.keys(imported)
        .filter((key) => key !== 'default' && key !== 'module.exports')
        .sort(),
    );
    for (const key of Object.keys(required)) assert.equal(imported[key], required[key], key);
  });
});
