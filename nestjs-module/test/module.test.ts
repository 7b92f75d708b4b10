/** How the module is set up: what it provides where, and what a bad set-up says. */
import assert from 'node:assert/strict';
import { Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getElectionToken,
  InjectElection,
  LeaderElectionModule,
  type LeaderElectionOptions,
  type LeaderElectionOptionsFactory,
  LeaderElectionService,
} from '@interrex/nestjs';
import { Election, InterrexError } from 'interrex';
import { boot, bootWith, closeAll, RecordingLogger, until, uniqueName } from './support.js';

@Injectable()
class Options implements LeaderElectionOptionsFactory {
  static readonly name_ = uniqueName();
  createLeaderElectionOptions(): LeaderElectionOptions {
    return { name: Options.name_, url: 'memory:' };
  }
}

@Module({ providers: [Options], exports: [Options] })
class OptionsModule {}

describe('LeaderElectionModule', () => {
  afterEach(closeAll);

  it('elects the only instance, and the service says what the election says', async () => {
    const name = uniqueName();
    const application = await bootWith({ name, label: 'the one' });
    const service = application.get(LeaderElectionService);
    const leadership = await service.whenLeader();
    assert.equal(service.isLeader(), true);
    assert.equal(service.isLeader(10 * 60 * 1000), false, 'no leadership has ten minutes left');
    assert.equal(service.role, 'leader');
    assert.equal(service.term, leadership.term);
    assert.deepEqual(service.token, leadership.token);
    await until('the leader and its members are known', () => service.members().length === 1);
    assert.equal(service.leader?.label, 'the one');
    assert.equal(service.members()[0]?.id, service.election.id);
    assert.equal(application.get(getElectionToken()), service.election);
  });

  it('runs a function under leadership', async () => {
    const service = (await bootWith({ name: uniqueName() })).get(LeaderElectionService);
    const answer = await service.lead((leadership) => leadership.check() && 42, { keep: true });
    assert.equal(answer, 42);
    assert.equal(service.isLeader(), true);
  });

  it('elects one of two applications; resign and transfer hand over', async () => {
    const name = uniqueName();
    const first = (await bootWith({ name })).get(LeaderElectionService);
    await first.whenLeader();
    const second = (await bootWith({ name })).get(LeaderElectionService);
    await until(
      'both know both',
      () => first.members().length === 2 && second.members().length === 2,
    );
    assert.equal(second.isLeader(), false);
    await first.resign();
    assert.equal(first.isLeader(), false);
    await second.whenLeader();
    assert.equal(first.isLeader(), false);
    await second.transfer(first.election.id!);
    await first.whenLeader();
    assert.equal(second.isLeader(), false);
  });

  it('takes options from a factory with dependencies', async () => {
    const name = uniqueName();
    const application = await boot({
      imports: [
        LeaderElectionModule.forRootAsync({
          imports: [OptionsModule],
          inject: [Options],
          useFactory: async (options: Options) => ({
            ...options.createLeaderElectionOptions(),
            name,
            waitForStart: true,
          }),
        }),
      ],
    });
    const service = application.get(LeaderElectionService);
    assert.notEqual(service.role, 'stopped', 'waitForStart from a factory counts');
    await service.whenLeader();
  });

  it('takes options from a class', async () => {
    const application = await boot({
      imports: [LeaderElectionModule.forRootAsync({ useClass: Options })],
    });
    await application.get(LeaderElectionService).whenLeader();
  });

  it('takes options from a provider that exists', async () => {
    const application = await boot({
      imports: [
        LeaderElectionModule.forRootAsync({ imports: [OptionsModule], useExisting: Options }),
      ],
    });
    await application.get(LeaderElectionService).whenLeader();
  });

  it('is global, unless told otherwise', async () => {
    @Injectable()
    class Consumer {
      constructor(@Inject(LeaderElectionService) readonly service: LeaderElectionService) {}
    }
    @Module({ providers: [Consumer] })
    class Feature {}
    const application = await bootWith({ name: uniqueName() }, { imports: [Feature] });
    assert.equal(
      application.get(Consumer, { strict: false }).service.isLeader instanceof Function,
      true,
    );

    const forRoot = LeaderElectionModule.forRoot({
      name: uniqueName(),
      url: 'memory:',
      isGlobal: false,
    });
    await assert.rejects(
      Test.createTestingModule({ imports: [forRoot, Feature] })
        .setLogger(new RecordingLogger())
        .compile(),
      /LeaderElectionService/,
    );
  });

  it('sets up further elections that inherit the options of forRoot', async () => {
    const other = uniqueName();
    @Injectable()
    class Consumer {
      constructor(
        @InjectElection() readonly root: Election,
        @InjectElection(other) readonly other: Election,
      ) {}
    }
    @Module({ imports: [LeaderElectionModule.forFeature({ name: other })], providers: [Consumer] })
    class One {}
    @Module({ imports: [LeaderElectionModule.forFeature({ name: other })] })
    class Two {}
    const application = await bootWith(
      { name: uniqueName(), label: 'same label' },
      { imports: [One, Two] },
    );
    const consumer = application.get(Consumer, { strict: false });
    assert.notEqual(consumer.root, consumer.other);
    await Promise.all([consumer.root.whenLeader(), consumer.other.whenLeader()]);
    await until('its leader is known', () => consumer.other.leader !== null);
    assert.equal(consumer.other.leader?.label, 'same label');
    await closeAll();
    assert.equal(consumer.other.role, 'stopped');
  });

  it('refuses two different elections of one name, and forRoot twice', async () => {
    const name = uniqueName();
    const other = uniqueName();
    await assert.rejects(
      bootWith({ name }, { imports: [LeaderElectionModule.forFeature({ name })] }),
      /forRoot already has an election of this name/,
    );
    await assert.rejects(
      bootWith(
        { name },
        {
          imports: [
            LeaderElectionModule.forFeature({ name: other }),
            LeaderElectionModule.forFeature({ name: other, candidate: false }),
          ],
        },
      ),
      /asks for this election with other options/,
    );
    await assert.rejects(
      bootWith(
        { name },
        { imports: [LeaderElectionModule.forRoot({ name: other, url: 'memory:' })] },
      ),
      /forRoot stands twice/,
    );
  });

  it('passes options on untouched: a misspelt or empty one fails the boot and is named', async () => {
    const config = (rule: RegExp) => (error: unknown) =>
      error instanceof InterrexError && error.code === 'CONFIG' && rule.test(error.message);
    await assert.rejects(
      bootWith({ name: uniqueName(), heartbeet: 300 } as never),
      config(/heartbeet.*heartbeat/),
    );
    await assert.rejects(
      bootWith({ name: uniqueName(), url: undefined }),
      config(/url is undefined/),
    );
  });
});
