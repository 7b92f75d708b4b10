/** Each fault of the package nest-leader-election, turned round, on a real server. */
import assert from 'node:assert/strict';
import { LeaderElectorCore, LeaderLease } from '@interrex/nestjs/compat/nest-leader-election';
import type { DataSourceOptions } from 'typeorm';
import {
  dataSourceOn,
  elector,
  elsewhere,
  freshLock,
  leaderOf,
  recorded,
  tidy,
} from './elector-support.js';
import { until, type PostgresServer, startPostgres } from './support.js';

/** So long that nothing which happens in a test can be its end. */
const NEVER = 600_000;

describe('electors on PostgreSQL', () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());
  beforeEach(recorded);
  afterEach(tidy);

  // A lease that is not the one asked for would stand in the ledger with another length.
  it('hold the lease that leaseDuration says', async () => {
    const dataSource = await dataSourceOn(server);
    const lockId = freshLock();
    const one = await elector(dataSource, { lockId, leaseDuration: 40_000, instanceId: 'a' });
    assert.equal(one.amILeader(), true);
    const row = await server.say(
      `SELECT l.hold_ns, v.leader_id, (v.expires_at - l.renewed_at) > interval '40 s', v.expires_at > now()
         FROM interrex_ledger AS l, leader_lease AS v
        WHERE l.name = 'nest-leader-election:${lockId}' AND v.id = ${lockId}`,
    );
    assert.equal(row, '40200000000|a|t|t');
  });

  // A successor that waited for the end of a lease, or for a clean-up, would wait ten minutes here.
  it('succeed a process that was killed, long before its lease ends', async () => {
    const dataSource = await dataSourceOn(server);
    const config = { lockId: freshLock(), leaseDuration: NEVER };
    const first = elsewhere(server, { ...config, instanceId: 'first' });
    await first.line('leads');
    const second = await elector(dataSource, { ...config, instanceId: 'second' });
    assert.equal(second.amILeader(), false);
    first.process.kill('SIGKILL');
    await leaderOf(second);
    const [lease] = await dataSource.getRepository(LeaderLease).findBy({ id: config.lockId });
    assert.equal(lease?.leaderId, 'second');
  });

  // A release that left its lease behind would keep everybody waiting for its end.
  it('succeed one that released, and it contends again', async () => {
    const dataSource = await dataSourceOn(server);
    const config = { lockId: freshLock(), leaseDuration: NEVER };
    const first = await elector(dataSource, config);
    const second = await elector(dataSource, config);
    const released = first.release();
    assert.equal(first.amILeader(), false);
    await released;
    await leaderOf(second);
    assert.equal(first.amILeader(), false);
    // The second ends, and the one that released is there to take over.
    await second.stop();
    await leaderOf(first);
  });

  // One that never contends again after release() would leave a single instance without a leader for good.
  it('lead again after release, in a later term, where there is nobody else', async () => {
    const dataSource = await dataSourceOn(server);
    const one = await elector(dataSource, { lockId: freshLock(), leaseDuration: NEVER });
    const { term } = one.election!;
    await one.release();
    await leaderOf(one);
    assert.ok(one.election!.term > term);
    await one.release();
    await one.release();
  });

  // A flag that only a timer clears would still say yes when the process goes on.
  it('depose a leader that is frozen, and it knows at once when it goes on', async () => {
    const dataSource = await dataSourceOn(server);
    const config = { lockId: freshLock(), leaseDuration: 1500, renewalInterval: 300 };
    const first = elsewhere(server, config);
    await first.line('leads');
    const second = await elector(dataSource, config);
    first.process.kill('SIGSTOP');
    await leaderOf(second);
    first.process.stdin.write('do you lead?\n');
    first.process.kill('SIGCONT');
    await first.line('answer');
    assert.ok(first.lines.includes('answer false'), first.lines.join());
    await first.line('defeated');
    assert.equal(second.amILeader(), true);
  });

  // A member that went by its own short lease would take what another holds by a long one.
  it('of different configurations never lead together', async () => {
    const dataSource = await dataSourceOn(server);
    const lockId = freshLock();
    const first = elsewhere(server, { lockId, leaseDuration: NEVER, renewalInterval: 3000 });
    await first.line('leads');
    const second = await elector(dataSource, { lockId, leaseDuration: 300, renewalInterval: 100 });
    first.process.kill('SIGSTOP'); // it renews no more, and is not dead
    // Each of its polls is a lease of its own apart.
    const { operations } = second.election!.metrics();
    await until('it looked often', () => second.election!.metrics().operations >= operations + 6);
    assert.equal(second.amILeader(), false);
    first.process.kill('SIGCONT');
    first.process.stdin.write('do you lead?\n');
    await first.line('answer');
    assert.ok(first.lines.includes('answer true'), first.lines.join());
    assert.equal(second.election!.metrics().elected, 0);
  });

  // A name that counts as an identity would make everyone who has it the leader.
  it('of one instanceId have one leader', async () => {
    const dataSource = await dataSourceOn(server);
    const config = { lockId: freshLock(), instanceId: 'the same' };
    const all = await Promise.all([1, 2, 3, 4].map(() => elector(dataSource, config)));
    const leader = await leaderOf(...all);
    const others = all.filter((one) => one !== leader);
    await until('all know it', () => others.every((one) => one.election!.leader !== null));
    assert.deepEqual(
      all.map((one) => one.amILeader()),
      all.map((one) => one === leader),
    );
    assert.deepEqual(
      new Set(others.map((one) => one.election!.leader!.id)),
      new Set([leader.election!.id]),
    );
  });

  // An instance that observes must not be the one that takes over.
  it('with candidate: false never lead', async () => {
    const dataSource = await dataSourceOn(server);
    const config = { lockId: freshLock() };
    const observer = await elector(dataSource, { ...config, candidate: false });
    assert.equal(observer.amILeader(), false);
    const one = await elector(dataSource, config);
    await until('it is seen', () => observer.election!.leader?.id === one.election!.id);
    await one.stop();
    await until('so is its end', () => observer.election!.leader === null);
    assert.equal(observer.amILeader(), false);
  });
});

describe('electors on a server of their own', () => {
  let server: PostgresServer;
  beforeEach(async () => {
    recorded();
    server = await startPostgres();
  });
  afterEach(async () => {
    await tidy();
    await server.stop();
  });

  // A restart must end neither a process nor the answer's truth, and the election must go on after it.
  it('survive its restart: nobody leads meanwhile, one leads afterwards', async () => {
    const dataSource = await dataSourceOn(server);
    const config = { lockId: freshLock(), leaseDuration: 1500, renewalInterval: 300 };
    const here = await elector(dataSource, config);
    const there = elsewhere(server, config);
    await until('it takes part', () => here.election!.members().length === 2);
    await server.kill();
    await until('it leads no more', () => !here.amILeader());
    await server.restart();
    await until('one leads', () => here.amILeader() || there.lines.includes('leads'));
    there.process.stdin.write('do you lead?\n');
    await there.line('answer');
    const both = here.amILeader() && there.lines.includes('answer true');
    assert.equal(both, false);
    assert.equal(there.process.exitCode, null);
  });

  // A missing table, schema or right is for the log to say; when it is there the election begins by itself.
  it('say what is missing, and begin when it is there', async () => {
    const logger = recorded();
    await server.say('CREATE ROLE app LOGIN; REVOKE CREATE ON SCHEMA public FROM public;');
    const url = server.url.replace('postgres@', 'app@');
    const dataSource = await dataSourceOn(server, { url });
    const config = { lockId: freshLock(), schema: 'of its own', createTableOnInit: false };
    const one = await elector(dataSource, config);
    assert.equal(one.amILeader(), false);
    const said = logger.lines.join('\n');
    assert.match(said, /error lock \d+: .*there is no table .*LeaderElectionMigrationBase/);
    assert.match(said, /createTableOnInit is false/);
    assert.doesNotMatch(said, /schema\(|createTable\b/);
    assert.doesNotMatch(logger.lines.join('\n'), /unhandled/i);
    await server.say(
      `${(require('interrex') as typeof import('interrex')).schema({ schema: config.schema })}
       GRANT USAGE ON SCHEMA "of its own" TO app;
       GRANT SELECT, INSERT, UPDATE ON "of its own".interrex_ledger TO app;
       GRANT EXECUTE ON FUNCTION pg_control_system() TO app;`,
    );
    await leaderOf(one);
  });

  // What the log says to run must help as it stands, and speak of what there is in this module.
  it('say which right is missing, and begin when it is given', async () => {
    const logger = recorded();
    await server.say('CREATE ROLE app LOGIN; REVOKE CREATE ON SCHEMA public FROM public;');
    const dataSource = await dataSourceOn(server, { url: server.url.replace('postgres@', 'app@') });
    const one = await elector(dataSource, { lockId: freshLock() });
    const said = logger.lines.join('\n');
    assert.match(said, /error lock .* a migration that extends LeaderElectionMigrationBase/);
    assert.doesNotMatch(said, /schema\(|createTable\b/);
    await server.say(/run (GRANT CREATE ON SCHEMA [^,]*)/.exec(said)![1]!);
    await leaderOf(one);
  });

  // Without the right to make it the election must go on, and say that only the view is missing.
  it('need no view to lead', async () => {
    const logger = recorded();
    await server.say(
      `CREATE ROLE app LOGIN; REVOKE CREATE ON SCHEMA public FROM public;
       ${(require('interrex') as typeof import('interrex')).schema({ schema: 'public' })}
       GRANT SELECT, INSERT, UPDATE ON interrex_ledger TO app;
       GRANT EXECUTE ON FUNCTION pg_control_system() TO app;`,
    );
    const dataSource = await dataSourceOn(server, { url: server.url.replace('postgres@', 'app@') });
    const one = await elector(dataSource, { lockId: freshLock() });
    await leaderOf(one);
    await until('it is said', () => logger.lines.some((line) => /could not be made/.test(line)));
    assert.match(logger.lines.join('\n'), /warn the view public\.leader_lease .*permission denied/);
  });

  // Whoever stops early must not wait for a start that nobody needs any more.
  it('stop before they have begun', async () => {
    const password = () => Promise.resolve('secret');
    const options = { url: undefined, host: '127.0.0.1', port: server.port, username: 'postgres' };
    const asking = await dataSourceOn(server, {
      ...options,
      password,
    } as Partial<DataSourceOptions>);
    const one = new LeaderElectorCore(asking.getRepository(LeaderLease), { lockId: freshLock() });
    await one.stop();
    await one.start();
    assert.equal(one.amILeader(), false);
    assert.equal(await server.say(`SELECT to_regclass('interrex_ledger')`), '');
    const dataSource = await dataSourceOn(server);
    const repository = dataSource.getRepository(LeaderLease);
    const two = new LeaderElectorCore(repository, { lockId: freshLock() });
    await two.stop();
    await two.start();
    assert.equal(two.amILeader(), false);
  });

  // A store that is away when a program starts must not hold it up, and a stop must not wait for it either.
  it('stop where it never was there', async () => {
    const dataSource = await dataSourceOn(server);
    await server.kill();
    const one = await elector(dataSource, { lockId: freshLock() });
    assert.equal(one.amILeader(), false);
    await one.stop();
    await one.stop();
    await one.release();
    await server.restart();
  });
});
