/** What the options of nest-leader-election come to, and how the settings of a DataSource become a URL of libpq. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import {
  LeaderElectorCore,
  LeaderElectorModule,
} from '@interrex/nestjs/compat/nest-leader-election';
import { Election, InterrexError } from 'interrex';
import type { DataSource, DataSourceOptions } from 'typeorm';
import { dataSourceOn, later, leaderOf, tidy } from './elector-support.js';
import { recorded } from './elector-support.js';
import { startPostgres } from './support.js';

type Options = Record<string, unknown>;
// What the package does not export is taken from its build.
const inside = <T>(file: string) => require(`../dist/compat/nest-leader-election/${file}.js`) as T;
const { settingsOf } = inside<{
  settingsOf(config: unknown): { election: Options; warnings: string[] };
}>('config');
const { connectionOf } = inside<{
  connectionOf(options: unknown): { password: unknown; url(password?: string): string };
}>('connection');
const { inWordsOfTheModule } = inside<{ inWordsOfTheModule(message: string): string }>('words');

const refused = (message: RegExp) => (error: unknown) =>
  error instanceof InterrexError && error.code === 'CONFIG' && message.test(error.message);

describe('the options of an elector', () => {
  // A default that is not the page's would change how long everybody waits.
  it('have the defaults of the page', () => {
    assert.deepEqual(settingsOf({}).election, {
      name: 'nest-leader-election:1',
      timeout: 10_000,
      heartbeat: 3000,
      createTable: true,
      candidate: true,
    });
  });

  it('mean what the page says', () => {
    const { election, warnings } = settingsOf({
      leaseDuration: 15_000,
      renewalInterval: 5000,
      jitterRange: 2000,
      baseCleanInterval: 30_000,
      lockId: 12345,
      instanceId: 'my-app-01',
      createTableOnInit: false,
      schema: undefined,
    });
    assert.deepEqual(election, {
      name: 'nest-leader-election:12345',
      timeout: 15_000,
      heartbeat: 5000,
      createTable: false,
      candidate: true,
      label: 'my-app-01',
    });
    assert.deepEqual(warnings, []);
  });

  // "2-3x longer" is the page's advice: twice must work, and the lease must stay what it was said to be.
  it('that leave too little room renew more often, with a warning', () => {
    const { election, warnings } = settingsOf({ leaseDuration: 10_000, renewalInterval: 5000 });
    assert.deepEqual([election['timeout'], election['heartbeat']], [10_000, 3333]);
    assert.match(warnings.join(), /renewalInterval 5000 ms .* renewed every 3333 ms/);
    const short = settingsOf({ leaseDuration: 3000 });
    assert.deepEqual([short.election['heartbeat'], short.warnings], [1000, []]);
    const long = settingsOf({ leaseDuration: 600_000, renewalInterval: 90_000 }).election;
    assert.deepEqual([long['heartbeat'], long['stallLimit']], [60_000, 60_000]);
    new Election({ ...long, name: 'long', url: 'memory:' });
  });

  it('that are wrong are named', () => {
    for (const [config, message] of [
      [null, /must be an object/],
      [[], /must be an object/],
      [{ leaseDuraton: 1000 }, /leaseDuraton is not an option/],
      [{ leaseDuration: '15000' }, /leaseDuration is "15000": it must be a whole number/],
      [{ leaseDuration: 0 }, /leaseDuration is 0/],
      [{ leaseDuration: 3_600_000 }, /leaseDuration is 3600000.* to 600000/],
      [{ renewalInterval: 1 }, /renewalInterval is 1/],
      [{ jitterRange: -1 }, /jitterRange is -1/],
      [{ baseCleanInterval: [5] }, /baseCleanInterval is of the type object/],
      [{ lockId: NaN }, /lockId is NaN/],
      [{ lockId: null }, /lockId is null/],
      [{ lockId: 1n }, /lockId is 1n: it must be a whole number/],
      [{ lockId: 1.5 }, /lockId is 1\.5/],
      [{ lockId: 2 ** 31 }, /lockId is 2147483648/],
      [{ instanceId: '' }, /instanceId is ""/],
      [{ instanceId: 'é'.repeat(65) }, /instanceId is a string of 130 bytes: .* 1 to 128 bytes/],
      [{ instanceId: 'a\nb' }, /instanceId is "a\\nb": .* without control characters/],
      [{ schema: 5 }, /schema is 5/],
      [{ schema: 's'.repeat(64) }, /schema is "s{64}": .* 1 to 63 bytes/],
      [{ createTableOnInit: 'no' }, /createTableOnInit is "no"/],
      [{ url: undefined }, /url is undefined: is a variable missing\?/],
      [{ url: null }, /url is null: is a variable missing\?/],
      [{ url: '' }, /url is empty: is a variable missing\?/],
      [{ url: 'redis://:secret@h' }, /url is \*\*\*: .* begins with postgres:\/\/ or postgresql/],
      [{ url: 'postgres://h/d?schema=s' }, /url names a schema/],
    ] as const) {
      assert.throws(() => settingsOf(config), refused(message), String(message));
    }
    for (const config of [
      { instanceId: 'é'.repeat(64), schema: 's'.repeat(63), url: 'postgres://h/d' },
      { instanceId: undefined, schema: undefined, url: 'postgresql:///d' },
    ]) {
      settingsOf(config);
    }
  });

  // What is no object of options would pass for one in which all of them are left out.
  it('are an object wherever they are given', async () => {
    const dataSource = { getRepository: () => assert.fail('it went on') } as unknown as DataSource;
    for (const config of [null, [], 'schema'] as unknown as object[]) {
      assert.throws(() => LeaderElectorModule.forRoot(config), refused(/must be an object/));
      await assert.rejects(
        LeaderElectorCore.create(dataSource, config),
        refused(/must be an object/),
      );
    }
  });
});

describe('the errors of the core', () => {
  // Where nothing is retold the log would name functions and options that the module does not have.
  it('are told in words of the module', () => {
    for (const [told, retold] of [
      [
        'there is no table t, and createTable is false: have its owner run what schema() prints for that schema and namespace',
        'there is no table t, and createTableOnInit is false: have its owner run a migration that extends LeaderElectionMigrationBase',
      ],
      [
        'let createTable be on, or run what schema({ schema: "jobs" }) prints (PostgreSQL 42P01)',
        'let createTableOnInit be on, or run a migration that extends LeaderElectionMigrationBase (PostgreSQL 42P01)',
      ],
      [
        'the table is not as schema() prints it, or',
        'the table is not as LeaderElectionMigrationBase makes it, or',
      ],
      ['cut off: run what schema({ sch', 'cut off: run what LeaderElectionMigrationBase'],
      [
        'postgres://h/d?schema=s: the schema is missing',
        'postgres://h/d?schema=s: the schema is missing',
      ],
    ] as const) {
      assert.equal(inWordsOfTheModule(told), retold);
    }
  });
});

describe('the settings of a DataSource', () => {
  const url = (options: Options, password?: string) =>
    connectionOf({ type: 'postgres', ...options }).url(password);

  it('become a URL, each part as it was', () => {
    assert.equal(url({}), `postgres://${process.env['PGHOST'] ?? 'localhost'}/`);
    const all = {
      host: 'db',
      port: 5433,
      username: 'a b',
      database: 'x/y',
      applicationName: 'app',
    };
    assert.equal(
      url(all, 'p@:/?#%'),
      'postgres://a%20b:p%40%3A%2F%3F%23%25@db:5433/x%2Fy?application_name=app',
    );
    assert.equal(url({ host: '::1' }), 'postgres://[::1]/');
    assert.equal(url({ host: '/run/pg' }), 'postgres://%2Frun%2Fpg/');
  });

  it('are taken from where TypeORM and pg take them', () => {
    const given = {
      url: 'postgres://u:p%20w@h:1/d?application_name=a&uselibpqcompat=true',
      host: 'other',
    };
    const read = connectionOf({ type: 'postgres', ...given });
    assert.equal(read.password, 'p w');
    assert.equal(read.url('p w'), 'postgres://u:p%20w@h:1/d?application_name=a');
    const master = { host: 'primary', username: 'm' };
    assert.equal(url({ host: 'no', replication: { master, slaves: [] } }), 'postgres://m@primary/');
    const extra = { host: 'pool', max: 3, options: '-c search_path=x' };
    assert.equal(url({ host: 'no', extra }), 'postgres://pool/?options=-c%20search_path%3Dx');
    assert.equal(url({ url: 'postgres://[::1]:5/d' }), 'postgres://[::1]:5/d');
    assert.equal(
      url({ url: 'postgres://h/d?schema=s&sslmode=no-verify' }),
      'postgres://h/d?sslmode=require',
    );
  });

  // A connection that checks less than the DataSource's does would be the weakest of the application.
  it('keep their word about TLS', () => {
    assert.match(url({ ssl: true }), /sslmode=verify-full/);
    if (existsSync('/etc/ssl/certs/ca-certificates.crt')) {
      assert.match(url({ ssl: {} }), /sslrootcert=%2Fetc%2Fssl%2Fcerts%2Fca-certificates\.crt/);
    }
    assert.match(url({ url: 'postgres://h/d?ssl=true' }), /sslmode=verify-full/);
    assert.equal(url({ ssl: false, host: 'h' }), 'postgres://h/?sslmode=disable');
    const unchecked = { ca: 'PEM', rejectUnauthorized: false };
    assert.equal(url({ ssl: unchecked, host: 'h' }), 'postgres://h/?sslmode=require');
    const way = /write it to one, and give .* url: 'postgres:.*sslrootcert=/;
    assert.throws(() => url({ ssl: { ca: Buffer.from('PEM') } }), refused(way));
    assert.throws(() => url({ ssl: { cert: 'PEM', rejectUnauthorized: false } }), refused(way));
  });

  it('that can not be used are refused, and no secret is shown', () => {
    assert.throws(() => url({ type: 'mysql' }), refused(/of type mysql: it must be postgres/));
    const broken = 'postgres://u:sec/ret@h:port/d';
    assert.throws(
      () => url({ url: broken }),
      (error: unknown) =>
        refused(/can not be read/)(error) && !/sec|ret@/.test((error as Error).message),
    );
  });

  it('with a password that is asked for, and with TLS, lead to the server', async () => {
    recorded();
    const server = await startPostgres({ secure: true });
    try {
      const options = { url: server.url, ssl: { rejectUnauthorized: false } };
      const place = {
        host: 'localhost',
        port: server.port,
        username: 'postgres',
        database: 'postgres',
      };
      const asked: DataSourceOptions = {
        type: 'postgres',
        ...place,
        password: () => Promise.resolve('secret'),
        ssl: options.ssl,
      };
      const dataSource = await dataSourceOn(server, { ...asked, url: undefined } as never);
      const one = await LeaderElectorCore.create(dataSource, { lockId: 1 });
      later(() => one.stop());
      await leaderOf(one);
      // An authority of one's own goes by a URL of one's own.
      const own = await LeaderElectorCore.create(dataSource, { lockId: 2, url: server.url });
      later(() => own.stop());
      await leaderOf(own);
    } finally {
      await tidy();
      await server.stop();
    }
  });
});
