/** LeaderElectorModule in an application: what it provides, how it boots, and who closes first. */
import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Inject, Injectable, Module } from '@nestjs/common';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import {
  LeaderElectorCore,
  LeaderElectorModule,
  LeaderElectorService,
  LeaderLease,
} from '@interrex/nestjs/compat/nest-leader-election';
import { InterrexError } from 'interrex';
import { DataSource, type Repository } from 'typeorm';
import { dataSourceOn, elector, freshLock, later, leaderOf, tidy } from './elector-support.js';
import {
  boot,
  closeAll,
  RecordingLogger,
  until,
  type PostgresServer,
  startPostgres,
} from './support.js';

describe('LeaderElectorModule', () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());
  afterEach(async () => {
    await closeAll();
    await tidy();
  });

  const database = () =>
    TypeOrmModule.forRoot({ type: 'postgres', url: server.url, autoLoadEntities: true });

  // A provider anywhere in the application asks for the service, and monitoring for the repository.
  it('provides the service and the repository to every module', async () => {
    @Injectable()
    class Deep {
      constructor(
        @Inject(LeaderElectorService) readonly elector: LeaderElectorService,
        @InjectRepository(LeaderLease) readonly leases: Repository<LeaderLease>,
      ) {}
    }
    @Module({ providers: [Deep] })
    class DeepModule {}
    const lockId = freshLock();
    const imports = [
      database(),
      DeepModule,
      LeaderElectorModule.forRoot({ lockId, instanceId: 'a' }),
    ];
    const { elector, leases } = (await boot({ imports })).get(Deep, { strict: false });
    assert.ok(elector instanceof LeaderElectorCore);
    await leaderOf(elector);
    await elector.start();
    assert.equal((await leases.findOneByOrFail({ id: lockId })).leaderId, 'a');
  });

  // TypeORM closes its pool during the shutdown: a release that comes after it would never reach the database.
  it('has released before TypeORM closes', async () => {
    const lockId = freshLock();
    const logger = new RecordingLogger();
    const imports = [LeaderElectorModule.forRoot({ lockId }), database()];
    const application = await boot({ imports }, logger);
    await leaderOf(application.get(LeaderElectorService));
    const dataSource = application.get(DataSource);
    const destroy = dataSource.destroy.bind(dataSource);
    let held: string | undefined;
    dataSource.destroy = async () => {
      held = await server.say(
        `SELECT session <> '' FROM interrex_ledger WHERE name = 'nest-leader-election:${lockId}'`,
      );
      await destroy();
    };
    await application.close();
    assert.equal(held, 'f');
    assert.deepEqual(logger.lines, []);
  });

  it('hands over while the application closes, long before the lease ends', async () => {
    const config = { lockId: freshLock(), leaseDuration: 600_000 };
    const application = await boot({ imports: [database(), LeaderElectorModule.forRoot(config)] });
    const service = application.get(LeaderElectorService);
    await leaderOf(service);
    const successor = await elector(await dataSourceOn(server), config);
    assert.equal(successor.amILeader(), false);
    await application.close();
    await leaderOf(successor);
    assert.equal(service.amILeader(), false);
  });

  // What seeds "if leader" as the application boots would never run, and nobody would hear of it.
  it('has its first answer when the application boots, as the old package had', async () => {
    const answers: boolean[] = [];
    @Injectable()
    class Seeds {
      constructor(@Inject(LeaderElectorService) readonly elector: LeaderElectorService) {}
      onModuleInit() {
        answers.push(this.elector.amILeader());
      }
      onApplicationBootstrap() {
        answers.push(this.elector.amILeader());
      }
    }
    const config = { lockId: freshLock(), schema: 'booting' };
    const imports = [database(), LeaderElectorModule.forRoot(config)];
    const first = await boot({ imports, providers: [Seeds] });
    assert.deepEqual(answers.splice(0), [true, true]);
    const logger = new RecordingLogger();
    await boot({ imports, providers: [Seeds] }, logger);
    assert.deepEqual(answers, [false, false]);
    assert.deepEqual(logger.lines, []);
    await first.close();
  });

  // Whoever is asked for the password takes it from elsewhere, which may hang.
  it('boots after a few seconds where there is no answer at all, and says so', async () => {
    let hangs = false;
    const password = () => (hangs ? new Promise<string>(() => {}) : Promise.resolve(''));
    const logger = new RecordingLogger();
    const place = TypeOrmModule.forRootAsync({
      useFactory: () => ({ type: 'postgres', url: server.url, password, autoLoadEntities: true }),
      dataSourceFactory: async (options) => {
        const dataSource = await new DataSource(options!).initialize();
        hangs = true;
        return dataSource;
      },
    });
    const config = { lockId: freshLock() };
    const imports = [place, LeaderElectorModule.forRoot(config)];
    const application = await boot({ imports }, logger);
    assert.equal(application.get(LeaderElectorService).amILeader(), false);
    assert.match(logger.lines.join('\n'), /^warn nobody is known to lead .* boot goes on/);
    await application.close();
  });

  // Nobody listens there, or somebody who never answers: it is said, and what is not there holds nothing up.
  it('boots where the server is missing or silent', async () => {
    const silent = createServer();
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket));
    later(async () => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    for (const port of [1, (silent.address() as AddressInfo).port]) {
      const logger = new RecordingLogger();
      const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
      const application = await boot(
        { imports: [database(), LeaderElectorModule.forRoot({ lockId: freshLock(), url })] },
        logger,
      );
      assert.equal(application.get(LeaderElectorService).amILeader(), false);
      assert.match(logger.lines.join('\n'), /error lock \d+: /);
      await application.close();
    }
  });

  // What the elector needs and does not find must keep nobody from serving.
  it('boots where nothing of it is there, says so, and shuts down', async () => {
    const logger = new RecordingLogger();
    const config = { schema: 'nowhere', createTableOnInit: false };
    const application = await boot(
      { imports: [database(), LeaderElectorModule.forRoot(config)] },
      logger,
    );
    const service = application.get(LeaderElectorService);
    await until('it is said', () => logger.lines.some((line) => /there is no table/.test(line)));
    assert.equal(service.amILeader(), false);
    await service.release();
    await application.close();
  });

  it('takes its options from a factory, and its schema from beside it', async () => {
    const lockId = freshLock();
    const useFactory = () => Promise.resolve({ lockId, schema: 'async one' });
    const application = await boot({
      imports: [database(), LeaderElectorModule.forRootAsync({ schema: 'async one', useFactory })],
    });
    const service = application.get(LeaderElectorService);
    await leaderOf(service);
    await service.start();
    const leases = application.get(DataSource).getRepository(LeaderLease);
    assert.equal(await leases.countBy({ id: lockId }), 1);
    await assert.rejects(
      boot({ imports: [database(), LeaderElectorModule.forRootAsync({ useFactory })] }),
      (error: unknown) =>
        error instanceof InterrexError && /let it stand beside useFactory/.test(error.message),
    );
  });

  it('fails the boot where an option is wrong, and names it', async () => {
    await assert.rejects(
      boot({ imports: [database(), LeaderElectorModule.forRoot({ leaseDuration: 1 })] }),
      (error: unknown) =>
        error instanceof InterrexError && /leaseDuration is 1/.test(error.message),
    );
  });

  it('is one module to require and to import', async () => {
    const name = '@interrex/nestjs/compat/nest-leader-election';
    const required = require(name) as Record<string, unknown>;
    const imported = (await import(name)) as Record<string, unknown>;
    const names = Object.keys(imported).filter(
      (key) => !['default', 'module.exports'].includes(key),
    );
    assert.deepEqual(Object.keys(required).sort(), names.sort());
    for (const key of names) assert.equal(imported[key], required[key], key);
  });
});
