/** What members say to one another: through the service, and to the methods that ask for it. */
import assert from 'node:assert/strict';
import { Injectable, Scope } from '@nestjs/common';
import {
  LeaderElectionModule,
  LeaderElectionService,
  LeaderOnly,
  OnLeaderMessage,
} from '@interrex/nestjs';
import { InterrexError, type ReceivedMessage } from 'interrex';
import { bootWith, closeAll, RecordingLogger, until, uniqueName } from './support.js';

interface Instance {
  zone: string;
}
interface Plan {
  shards: string[];
}
type Service = LeaderElectionService<Instance, Plan, string>;

type Options = Parameters<typeof bootWith>[0];

/** Two applications of one election that know each other, the first of them leading. */
async function pair(options: Options, ...metadata: Parameters<typeof bootWith>[1][]) {
  const services: Service[] = [];
  for (const [i, zone] of ['a', 'b'].entries()) {
    const application = await bootWith({ ...options, meta: { zone } }, metadata[i]);
    const service: Service = application.get(LeaderElectionService);
    if (i === 0) await service.whenLeader();
    services.push(service);
  }
  const [leader, follower] = services as [Service, Service];
  await until(
    'both know both',
    () => services.every((it) => it.members().length === 2) && follower.leader !== null,
  );
  return { leader, follower };
}

for (const protocol of ['lease', 'quorum'] as const) {
  describe(`the service, under protocol ${protocol}`, () => {
    afterEach(closeAll);

    it('tells what members say of themselves', async () => {
      const { leader, follower } = await pair({ name: uniqueName(), protocol });
      assert.deepEqual(leader.meta, { zone: 'a' });
      assert.deepEqual(
        leader.members().map(({ meta }) => meta?.zone),
        ['a', 'b'],
      );
      assert.equal(follower.leader?.meta?.zone, 'a');
      await follower.setMeta({ zone: 'c' });
      assert.deepEqual(follower.meta, { zone: 'c' });
      await until('the leader sees it', () => leader.members()[1]?.meta?.zone === 'c');
    });

    it('publishes on the leader alone, for all', async () => {
      const { leader, follower } = await pair({ name: uniqueName(), protocol });
      assert.equal(follower.value, null);
      const { version } = await leader.publish({ shards: ['x'] });
      assert.equal(version.term, leader.term);
      await until('the follower has it', () => follower.value?.shards[0] === 'x');
      await assert.rejects(
        follower.publish({ shards: [] }),
        (error: unknown) => error instanceof InterrexError && error.code === 'NOT_LEADER',
      );
    });

    it('sends what @OnLeaderMessage receives, with its sender', async () => {
      const received: Record<string, ReceivedMessage<string>[]> = { leader: [], follower: [] };
      const handler = (who: string) => {
        @Injectable()
        class Handler {
          @OnLeaderMessage()
          receive(message: ReceivedMessage<string>) {
            received[who]?.push(message);
          }
        }
        return { providers: [Handler] };
      };
      const { leader, follower } = await pair(
        { name: uniqueName(), protocol },
        handler('leader'),
        handler('follower'),
      );
      await follower.send('leader', 'report');
      await leader.send('followers', 'order');
      await leader.send(follower.election.id!, 'order to one');
      await until(
        'all arrived',
        () => received.leader?.length === 1 && received.follower?.length === 2,
      );
      assert.deepEqual(received, {
        leader: [{ data: 'report', from: follower.election.id, fromLeader: false }],
        follower: [
          { data: 'order', from: leader.election.id, fromLeader: true },
          { data: 'order to one', from: leader.election.id, fromLeader: true },
        ],
      });
    });
  });
}

describe('@OnLeaderMessage', () => {
  afterEach(closeAll);

  it('belongs to the election it names, and with @LeaderOnly to the leader', async () => {
    const other = uniqueName();
    const calls: string[] = [];
    @Injectable()
    class Handler {
      @OnLeaderMessage(other)
      any({ data }: ReceivedMessage<string>) {
        calls.push(`any ${data}`);
      }
      @OnLeaderMessage(other)
      @LeaderOnly({ election: other })
      async leading({ data }: ReceivedMessage<string>) {
        calls.push(`leading ${data}`);
      }
      @OnLeaderMessage()
      root() {
        calls.push('root');
      }
    }
    const leader = await bootWith(
      { name: other, meta: 1 },
      { imports: [LeaderElectionModule.forFeature({ name: uniqueName() })] },
    );
    const election = leader.get(LeaderElectionService).election;
    await election.whenLeader();
    const follower = await bootWith(
      { name: uniqueName() },
      { imports: [LeaderElectionModule.forFeature({ name: other })], providers: [Handler] },
    );
    await follower.get(LeaderElectionService).whenLeader();
    await until('both know both', () => election.members().length === 2);
    await election.send('followers', 'one');
    await until('it was called', () => calls.length === 1);
    const [member] = election.members().filter(({ id }) => id !== election.id);
    await election.transfer(member!.id);
    await until('the other leads', () => election.leader?.id === member!.id);
    await election.send('leader', 'two');
    await until('both were called', () => calls.length === 3);
    assert.deepEqual(calls.slice(0, 1), ['any one']);
    assert.deepEqual(calls.slice(1).sort(), ['any two', 'leading two']);
  });

  it('that throws is logged, and keeps no other from being called', async () => {
    const logger = new RecordingLogger();
    const calls: string[] = [];
    @Injectable()
    class Handler {
      @OnLeaderMessage()
      async throws() {
        throw new Error('the handler failed');
      }
      @OnLeaderMessage()
      works({ data }: ReceivedMessage<string>) {
        calls.push(data);
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @OnLeaderMessage()
      receive() {
        calls.push('per request');
      }
    }
    const name = uniqueName();
    const metadata = { providers: [Handler, PerRequest] };
    const leader = await bootWith({ name }, metadata, logger);
    const { election } = leader.get(LeaderElectionService);
    await election.whenLeader();
    const observer = await bootWith({ name, candidate: false }, {}, logger); // Nest has one logger
    const sender = observer.get(LeaderElectionService);
    await until('it knows its leader', () => sender.leader !== null);
    await sender.send('leader', 'hello');
    await until('both were called', () => calls.length === 1 && logger.lines.length >= 2);
    assert.deepEqual(calls, ['hello']);
    const log = logger.lines.join('\n');
    assert.match(log, /@OnLeaderMessage on Handler\.throws: Error: the handler failed/);
    assert.match(log, /warn @OnLeaderMessage on PerRequest\.receive is ignored/);
  });

  it('that names an election nobody set up fails the boot', async () => {
    @Injectable()
    class Handler {
      @OnLeaderMessage('nobody')
      receive() {}
    }
    await assert.rejects(
      bootWith({ name: uniqueName() }, { providers: [Handler] }),
      /@OnLeaderMessage on Handler\.receive names the election 'nobody'/,
    );
  });
});
