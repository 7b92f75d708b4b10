/** The decorators: who is called, when, with what, and what happens where they can't work. */
import assert from 'node:assert/strict';
import { Controller, Injectable, Scope, SetMetadata } from '@nestjs/common';
import {
  LeaderElectionModule,
  LeaderElectionService,
  LeaderOnly,
  OnDefeated,
  OnElected,
} from '@interrex/nestjs';
import { type Defeat, InterrexError, type Leadership } from 'interrex';
import { bootWith, closeAll, RecordingLogger, until, uniqueName } from './support.js';

describe('@OnElected and @OnDefeated', () => {
  afterEach(closeAll);

  it('get the leadership, and how it ended, once each and in order', async () => {
    const calls: string[] = [];
    @Injectable()
    class Handler {
      @OnElected()
      elected(leadership: Leadership) {
        calls.push(`elected ${leadership.term} ${leadership.check()} ${leadership.signal.aborted}`);
      }
      @OnDefeated()
      defeated(defeat: Defeat) {
        calls.push(`defeated ${defeat.term} ${defeat.reason}`);
      }
    }
    const application = await bootWith({ name: uniqueName() }, { providers: [Handler] });
    const service = application.get(LeaderElectionService);
    const { term } = await service.whenLeader();
    await until('elected was called', () => calls.length === 1);
    await service.resign();
    await until('defeated was called', () => calls.length >= 2);
    assert.deepEqual(calls.slice(0, 2), [
      `elected ${term} true false`,
      `defeated ${term} resigned`,
    ]);
  });

  it('work on controllers, on inherited methods and on values, each once', async () => {
    const calls: string[] = [];
    class Base {
      @OnElected()
      inherited() {
        calls.push(this.constructor.name);
      }
    }
    @Controller()
    class ByController extends Base {}
    @Injectable()
    class ByProvider extends Base {}
    class ByValue extends Base {}
    const application = await bootWith(
      { name: uniqueName() },
      {
        controllers: [ByController],
        providers: [
          ByProvider,
          { provide: 'value', useValue: new ByValue() },
          { provide: 'alias', useExisting: ByProvider },
        ],
      },
    );
    await application.get(LeaderElectionService).whenLeader();
    await until('all were called', () => calls.length >= 3);
    assert.deepEqual(calls.sort(), ['ByController', 'ByProvider', 'ByValue']);
  });

  it('belong to the election they name', async () => {
    const other = uniqueName();
    const calls: string[] = [];
    @Injectable()
    class Handler {
      @OnElected(other)
      elected() {
        calls.push('other');
      }
    }
    await bootWith(
      { name: uniqueName(), candidate: false },
      {
        imports: [LeaderElectionModule.forFeature({ name: other, candidate: true })],
        providers: [Handler],
      },
    );
    await until('the handler was called', () => calls.length === 1);
  });

  it('that throw are logged, and keep no other from being called', async () => {
    const logger = new RecordingLogger();
    const calls: string[] = [];
    @Injectable()
    class Handler {
      @OnElected()
      throws() {
        throw new Error('thrown at once');
      }
      @OnElected()
      async rejects() {
        throw new Error('rejected later');
      }
      @OnElected()
      works() {
        calls.push('works');
      }
    }
    await bootWith({ name: uniqueName() }, { providers: [Handler] }, logger);
    await until('all were called', () => calls.length === 1 && logger.lines.length >= 2);
    assert.match(logger.lines.join('\n'), /@OnElected on Handler\.throws: Error: thrown at once/);
    assert.match(logger.lines.join('\n'), /@OnElected on Handler\.rejects: Error: rejected later/);
  });

  it('that name an election nobody set up fail the boot', async () => {
    @Injectable()
    class Handler {
      @OnElected('nobody')
      elected() {}
    }
    const name = uniqueName();
    await assert.rejects(
      bootWith({ name }, { providers: [Handler] }),
      new RegExp(`@OnElected on Handler\\.elected names the election 'nobody'.*${name}`),
    );
  });

  it('on request-scoped and transient providers are skipped with a warning', async () => {
    const logger = new RecordingLogger();
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @OnElected()
      elected() {
        throw new Error('called');
      }
    }
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient {
      @LeaderOnly()
      async only() {}
    }
    const application = await bootWith(
      { name: uniqueName() },
      { providers: [PerRequest, Transient] },
      logger,
    );
    await application.get(LeaderElectionService).whenLeader();
    const log = logger.lines.join('\n');
    assert.match(log, /warn @OnElected on PerRequest\.elected is ignored/);
    assert.match(log, /warn @LeaderOnly on Transient\.only is ignored/);
    assert.doesNotMatch(log, /error/);
  });
});

describe('@LeaderOnly', () => {
  afterEach(closeAll);

  @Injectable()
  class Work {
    calls = 0;

    @LeaderOnly()
    async skipped(a: number, b: number): Promise<number | undefined> {
      this.calls++;
      return a + b;
    }
    @LeaderOnly({ else: 'throw' })
    async thrown(): Promise<string> {
      this.calls++;
      return 'done';
    }
    @LeaderOnly({ else: 0 })
    async valued(): Promise<number> {
      this.calls++;
      return 1;
    }
    @LeaderOnly()
    async fails(): Promise<void> {
      this.calls++;
      throw new RangeError('the method failed');
    }
  }

  it('runs with its arguments and its this where the instance leads', async () => {
    const application = await bootWith({ name: uniqueName() }, { providers: [Work] });
    const service = application.get(LeaderElectionService);
    await service.whenLeader();
    const work = application.get(Work);
    assert.equal(await work.skipped(2, 3), 5);
    assert.equal(await work.thrown(), 'done');
    assert.equal(await work.valued(), 1);
    await assert.rejects(work.fails(), RangeError);
    assert.equal(work.calls, 4);
    assert.equal(
      service.isLeader(),
      true,
      'a call does not end the leadership, nor does its failure',
    );
    assert.deepEqual(
      await Promise.all([1, 2, 3].map((n) => work.skipped(n, n))),
      [2, 4, 6],
      'calls may overlap',
    );
  });

  it('skips, throws, or gives a value where it does not', async () => {
    const application = await bootWith(
      { name: uniqueName(), candidate: false },
      { providers: [Work] },
    );
    const work = application.get(Work);
    assert.equal(await work.skipped(2, 3), undefined);
    assert.equal(await work.valued(), 0);
    await assert.rejects(
      work.thrown(),
      (error: unknown) =>
        error instanceof InterrexError &&
        error.code === 'NOT_LEADER' &&
        /Work\.thrown runs on the leader only/.test(error.message),
    );
    assert.equal(work.calls, 0);
  });

  it('asks the election it names', async () => {
    const other = uniqueName();
    @Injectable()
    class Other {
      @LeaderOnly({ election: other, else: 'not leading' })
      async other(): Promise<string> {
        return 'leading';
      }
    }
    const application = await bootWith(
      { name: uniqueName(), candidate: false },
      {
        imports: [LeaderElectionModule.forFeature({ name: other, candidate: true })],
        providers: [Other],
      },
    );
    const work = application.get(Other);
    let answer = '';
    await until('the other election leads', () => {
      void work.other().then((it) => (answer = it));
      return answer === 'leading';
    });

    @Injectable()
    class Lost {
      @LeaderOnly({ election: 'nobody' })
      async lost() {}
    }
    await assert.rejects(
      bootWith({ name: uniqueName() }, { providers: [Lost] }),
      /@LeaderOnly on Lost\.lost names the election 'nobody'/,
    );
  });

  it('keeps what other decorators left on the method, above and below', async () => {
    class Decorated {
      @SetMetadata('above', 1)
      @LeaderOnly()
      @SetMetadata('below', 2)
      async method(_argument: string) {}
    }
    const method = Decorated.prototype.method;
    assert.equal(Reflect.getMetadata('above', method), 1);
    assert.equal(Reflect.getMetadata('below', method), 2);
    assert.equal(method.name, 'method');
    assert.equal(method.length, 1);
  });

  it('says so on an instance that no module knows', async () => {
    await assert.rejects(
      new Work().skipped(1, 1),
      /Work\.skipped is @LeaderOnly, but this instance belongs to no/,
    );
  });

  it('is work that a resignation waits for; meanwhile nothing new begins', async () => {
    let finish = () => {};
    @Injectable()
    class Slow {
      @LeaderOnly({ else: 'skipped' })
      async slow(): Promise<string> {
        await new Promise<void>((resolve) => (finish = resolve));
        return 'finished';
      }
    }
    const application = await bootWith({ name: uniqueName() }, { providers: [Slow] });
    const service = application.get(LeaderElectionService);
    const leadership = await service.whenLeader();
    const slow = application.get(Slow);
    const running = slow.slow();
    await until('it runs', () => finish.length === 1);
    const resigning = service.resign();
    assert.equal(service.isLeader(), false, 'the answer is no at once');
    assert.equal(leadership.check(), true, 'the leadership goes on under the work');
    assert.equal(leadership.draining.aborted, true);
    assert.equal(await slow.slow(), 'skipped');
    assert.equal(leadership.signal.aborted, false);
    finish();
    assert.equal(await running, 'finished');
    await resigning;
    assert.equal(leadership.check(), false);
  });

  it('with @OnElected makes a handler leader work', async () => {
    const calls: string[] = [];
    @Injectable()
    class Loop {
      @OnElected()
      @LeaderOnly()
      async loop(leadership: Leadership) {
        calls.push('begins');
        await new Promise((resolve) => leadership.draining.addEventListener('abort', resolve));
        calls.push(`ends ${leadership.check()}`);
      }
    }
    const application = await bootWith({ name: uniqueName() }, { providers: [Loop] });
    await until('the loop runs', () => calls.length === 1);
    await application.close();
    assert.deepEqual(calls, ['begins', 'ends true']);
  });
});
