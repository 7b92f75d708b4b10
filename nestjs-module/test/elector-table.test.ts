/** What is called leader_lease: our view for whoever monitors, or a table that the old package may be using. */
import assert from 'node:assert/strict';
import {
  createLeaderLeaseEntity,
  createLeaderLeaseTable,
  LeaderElectionMigrationBase,
  LeaderElectorCore,
  LeaderLease,
} from '@interrex/nestjs/compat/nest-leader-election';
import {
  dataSourceOn,
  elector,
  freshLock,
  later,
  leaderOf,
  recorded,
  tidy,
} from './elector-support.js';
import { tick, until, type PostgresServer, startPostgres } from './support.js';

let schemas = 0;

describe('leader_lease', () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());
  beforeEach(recorded);
  afterEach(tidy);

  const freshSchema = () => `schema ${++schemas}`;

  /** The table of the old package, with what stands in it. */
  async function oldTable(schema: string, ...rows: string[]): Promise<void> {
    await server.say(
      `CREATE SCHEMA "${schema}";
       CREATE TABLE "${schema}".leader_lease (id int PRIMARY KEY, leader_id text NOT NULL,
         expires_at timestamptz NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
       ${rows.map((row) => `INSERT INTO "${schema}".leader_lease VALUES (${row});`).join('\n')}`,
    );
  }

  const kind = (schema: string) =>
    server.say(
      `SELECT relkind FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE relname = 'leader_lease' AND nspname = '${schema}'`,
    );

  // Monitoring looks at these four columns; a lock that nobody holds has no row, and nobody may write through the view.
  it('shows who holds a lock, and until when, and nothing else', async () => {
    const dataSource = await dataSourceOn(server);
    await server.say(`SELECT 1`);
    const lockId = -freshLock() - 1000;
    const one = await elector(dataSource, { lockId, instanceId: 'one' });
    const repository = dataSource.getRepository(LeaderLease);
    const lease = await repository.findOneByOrFail({ id: lockId });
    assert.ok(lease instanceof LeaderLease);
    assert.equal(lease.leaderId, 'one');
    assert.ok(lease.expiresAt > lease.createdAt);
    await assert.rejects(repository.delete({ id: lockId }), /cannot delete from view/);
    await one.stop();
    assert.equal(await repository.findOneBy({ id: lockId }), null);
  });

  // A synchronize that took the view for a table it should make, alter or drop would break the monitoring.
  it('is nothing that synchronize or a generated migration touches', async () => {
    const schema = freshSchema();
    const entities = [createLeaderLeaseEntity(schema)];
    const dataSource = await dataSourceOn(server, { entities, synchronize: true });
    assert.equal(await kind(schema), '');
    await elector(dataSource, { lockId: freshLock(), schema });
    await dataSource.synchronize();
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    assert.deepEqual(upQueries, []);
    assert.equal(await kind(schema), 'v');
    assert.equal(await dataSource.getRepository(LeaderLease).count(), 1);
  });

  // Side by side with the old package two lead: who starts the new one must hear of it.
  it('is a table in use: it warns once, and leaves the table alone', async () => {
    const logger = recorded();
    const schema = freshSchema();
    const lockId = freshLock();
    await oldTable(schema, `${lockId}, 'old-one', now() + interval '15 s'`);
    const one = await elector(await dataSourceOn(server), { lockId, schema });
    await leaderOf(one);
    const warnings = logger.lines.filter((line) => /in use by 'old-one'/.test(line));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /warn .*both lead.*candidate: false.*docs\/migrating\.md/);
    assert.equal(await kind(schema), 'r');
  });

  // An old instance that renews more seldom than its lease lasts is seen by its renewals alone.
  it('is a table whose lease moves: it warns', async () => {
    const logger = recorded();
    const schema = freshSchema();
    const lockId = freshLock();
    await oldTable(schema, `${lockId}, 'slow-one', '2020-01-01'`);
    const config = { lockId, schema, leaseDuration: 900, renewalInterval: 300 };
    await elector(await dataSourceOn(server), config);
    assert.deepEqual(
      logger.lines.filter((line) => /in use/.test(line)),
      [],
    );
    await server.say(`UPDATE "${schema}".leader_lease SET expires_at = '2020-01-02'`);
    await until('it warns', () => logger.lines.some((line) => /in use by 'slow-one'/.test(line)));
  });

  // The old package wrote the name into its SQL without quotes, so that its capitals were none.
  it('is looked for where the old package made it of a schema with capitals', async () => {
    const logger = recorded();
    const lower = `lower_${++schemas}`;
    const schema = `Lower_${schemas}`;
    const lockId = freshLock();
    await oldTable(lower, `${lockId}, 'old-one', now() + interval '15 s'`);
    const one = await elector(await dataSourceOn(server), { lockId, schema });
    const said = `${lower}.leader_lease is in use by 'old-one'`;
    await until('it warns', () => logger.lines.some((line) => line.includes(said)));
    assert.match(logger.lines.join(), /schema: 'lower_\d+'/);
    await one.start();
    assert.equal(logger.lines.length, 1);
    assert.equal(await kind(schema), 'v');
    assert.equal(await kind(lower), 'r');
  });

  // Who can not make the view must hear of an old instance all the same.
  it('is looked for where the view can not be made', async () => {
    const logger = recorded();
    const schema = `Closed_${++schemas}`;
    const lockId = freshLock();
    await oldTable(schema.toLowerCase(), `${lockId}, 'old-one', now() + interval '15 s'`);
    const role = `closed_${schemas}`;
    const ledger = (require('interrex') as typeof import('interrex')).schema({ schema });
    await server.say(
      `${ledger} CREATE ROLE ${role} LOGIN;
       GRANT USAGE ON SCHEMA "${schema}", ${schema.toLowerCase()} TO ${role};
       GRANT SELECT, INSERT, UPDATE ON "${schema}".interrex_ledger TO ${role};
       GRANT SELECT ON ${schema.toLowerCase()}.leader_lease TO ${role};`,
    );
    const dataSource = await dataSourceOn(server, {
      url: server.url.replace('postgres@', `${role}@`),
    });
    await elector(dataSource, { lockId, schema });
    await until('both are said', () => logger.lines.length === 2);
    assert.match(logger.lines[0]!, /could not be made/);
    assert.match(logger.lines[1]!, /in use by 'old-one'/);
  });

  // A warning where nobody is would make the warning worthless.
  it('is a table that nobody uses, or for other locks: it says nothing', async () => {
    const logger = recorded();
    const schema = freshSchema();
    const lockId = freshLock();
    await oldTable(
      schema,
      `${lockId}, 'gone', '2020-01-01'`,
      `${lockId + 1000}, 'another', now() + interval '1 h'`,
    );
    await elector(await dataSourceOn(server), { lockId, schema });
    assert.deepEqual(logger.lines, []);
  });

  // The view stands where the old package would make its table: an old instance that comes later must not start to lead.
  it('as a view keeps an old instance from leading', async () => {
    const schema = freshSchema();
    const lockId = freshLock();
    const one = await elector(await dataSourceOn(server), { lockId, schema });
    const table = `"${schema}".leader_lease`;
    for (const statement of [
      `CREATE INDEX IF NOT EXISTS leader_lease_expires ON ${table} (expires_at)`,
      `INSERT INTO ${table} (id, leader_id, expires_at) VALUES (${lockId}, 'old', now())`,
      `DELETE FROM ${table} WHERE expires_at < now() + interval '1 h'`,
    ]) {
      await assert.rejects(server.say(statement), /view/);
    }
    assert.equal(one.amILeader(), true);
  });

  // It compiles under noImplicitOverride as a class over the old base did: that one has a schema and no name.
  class Migration extends LeaderElectionMigrationBase {
    override schema = 'of the migration';
    name = 'leader_election_migration1700000000000';
  }

  // With createTableOnInit: false nothing but the migration may make anything, and it must make all that is needed.
  it('comes by the migration, and goes by it', async () => {
    const schema = 'of the migration';
    const dataSource = await dataSourceOn(server, { migrations: [Migration] });
    await dataSource.runMigrations();
    assert.equal(await kind(schema), 'v');
    const config = { lockId: freshLock(), schema, createTableOnInit: false };
    const one = await elector(dataSource, config);
    await leaderOf(one);
    await one.stop();
    await dataSource.undoLastMigration();
    assert.equal(await kind(schema), '');
    assert.equal(await server.say(`SELECT to_regclass('"${schema}".interrex_ledger')`), '');
  });

  // The ledger may hold elections that have nothing to do with this migration.
  it('takes the ledger along only if no other election is in it', async () => {
    const schema = freshSchema();
    const migration = new LeaderElectionMigrationBase();
    migration.schema = schema;
    const runner = (await dataSourceOn(server)).createQueryRunner();
    later(() => runner.release());
    await migration.up(runner);
    await migration.up(runner);
    await server.say(`INSERT INTO "${schema}".interrex_ledger (name) VALUES ('billing')`);
    await migration.down(runner);
    assert.equal(await kind(schema), '');
    assert.equal(await server.say(`SELECT name FROM "${schema}".interrex_ledger`), 'billing');
    await migration.down(runner);
  });

  // A migration that somebody wrote with the old helper must go on running.
  it('is made as a table by createLeaderLeaseTable', async () => {
    const schema = freshSchema();
    await server.say(`CREATE SCHEMA "${schema}"`);
    const runner = (await dataSourceOn(server)).createQueryRunner();
    later(() => runner.release());
    await runner.createTable(createLeaderLeaseTable(schema), true);
    assert.equal(await kind(schema), 'r');
    await runner.dropTable(createLeaderLeaseTable(schema), true);
  });

  // The program of the page never calls anything but the constructor.
  it('belongs to an elector that starts by itself', async () => {
    const dataSource = await dataSourceOn(server);
    const lockId = freshLock();
    const one = new LeaderElectorCore(dataSource.getRepository(LeaderLease), { lockId });
    later(() => one.shutdown());
    await leaderOf(one);
    await one.start();
    await one.stop();
    assert.equal(one.amILeader(), false);
    await tick();
    assert.equal(one.amILeader(), false);
  });
});
