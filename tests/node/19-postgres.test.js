'use strict';
// What is PostgreSQL's alone: its guarantees, its table and who makes it, a server that comes late or restarts. What
// every medium does is tested by the files before this one, on PostgreSQL too.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { schema } = require('interrex');
const { run } = require('./support/child.js');
const {
  acquainted,
  freshName,
  leading,
  next,
  open,
  started,
  until,
} = require('./support/elections.js');
const { startPostgres, trouble, withServer } = require('./support/postgres.js');
const { freePort } = require('./support/redis.js');

// So long that only a release, or the end of a presence, can explain a succession.
const patient = { heartbeat: 10_000, timeout: 300_000 };
const LEAD = `
  const { Election } = require('interrex');
  const election = new Election(settings);
  election.on('elected', ({ term }) => console.log('elected', term));
  election.start();`;

describe('PostgreSQL', () => {
  const place = withServer();

  it('promises by its settings: term under fast, exclusive under safe', async (t) => {
    for (const [takeover, guarantee] of [
      ['fast', 'term'],
      ['safe', 'exclusive'],
    ]) {
      const election = await started(t, { name: freshName(), url: place.server.url, takeover });
      assert.equal(election.guarantee, guarantee);
    }
  });

  it('a leader that is killed is succeeded long before its time-out', async (t) => {
    const name = freshName();
    const child = run(t, LEAD, { ...patient, name, url: place.server.url, label: 'child' });
    const term = Number(await child.line('elected'));
    const mine = await started(t, { ...patient, name, url: place.server.url });
    await until(() => mine.leader?.label === 'child', 'the child is known');
    child.kill('SIGKILL');
    await mine.whenLeader();
    assert.ok(mine.term > term);
    assert.match(mine.history().join('\n'), /gone/i);
  });

  // Four are waited for on a connection each; whoever else is watched must be missed as well.
  it('many leaders that are killed at once are succeeded', async (t) => {
    const names = Array.from({ length: 6 }, () => freshName());
    const children = names.map((name) => run(t, LEAD, { ...patient, name, url: place.server.url }));
    await Promise.all(children.map((child) => child.line('elected')));
    const mine = await Promise.all(
      names.map((name) => started(t, { ...patient, name, url: place.server.url })),
    );
    await until(() => mine.every(({ leader }) => leader !== null), 'all leaders are known');
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(mine.map((election) => election.whenLeader()));
  });

  it('the table is read by SQL: who leads, since when, and who takes part', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.server.url, label: "O'Leader" });
    const follower = await started(t, { name, url: place.server.url });
    await acquainted(leader, follower);
    assert.equal(
      await place.server.say(
        `SELECT session, label, term, renewed_at > now() - interval '1 day',
           (SELECT count(*) FROM jsonb_object_keys(members))
         FROM interrex_ledger WHERE name = '${name}'`,
      ),
      `${leader.id}|O'Leader|${leader.term}|t|2`,
    );
  });

  it('an election whose table is dropped makes it anew, and leads again', async (t) => {
    const namespace = 'dropped';
    const election = await leading(t, { name: freshName(), namespace, url: place.server.url });
    const { term } = election;
    const defeat = next(election, 'defeated');
    await place.server.say('DROP TABLE dropped_ledger');
    const [{ reason }] = await defeat;
    assert.ok(['presence-lost', 'store-changed'].includes(reason), reason);
    await election.whenLeader();
    assert.ok(election.term > term);
  });

  // A connection that answers somebody is good: giving it up would begin everything that waits for it anew.
  it('is not taken for silent where somebody holds many rows', async (t) => {
    const options = { url: place.server.url, heartbeat: 300, timeout: 3000 };
    const names = Array.from({ length: 12 }, () => freshName('held'));
    const elections = await Promise.all(names.map((name) => leading(t, { ...options, name })));
    const reconnects = () => elections.map((election) => election.metrics().reconnects);
    const before = reconnects();
    await place.server.say(
      `SELECT name FROM interrex_ledger WHERE name LIKE 'held-%' FOR UPDATE; SELECT pg_sleep(2.5)`,
    );
    assert.deepEqual(reconnects(), before);
    const refusals = elections.flatMap(({ log }) => log.filter(([event]) => event === 'error'));
    assert.ok(refusals.length > 0);
    for (const [, error] of refusals) assert.equal(error.code, 'UNAVAILABLE');
    await Promise.all(elections.map((election) => election.whenLeader()));
  });

  it('a backend that is terminated costs nobody the election for long', async (t) => {
    const name = freshName();
    const first = await leading(t, { name, url: place.server.url });
    const second = await started(t, { name, url: place.server.url });
    await acquainted(first, second);
    const reconnects = () => [first, second].map((election) => election.metrics().reconnects);
    const before = reconnects();
    await place.server.say(
      `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
       WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    await until(() => reconnects().every((count, i) => count > before[i]), 'both have noticed');
    await until(() => first.isLeader() !== second.isLeader(), 'one of them leads');
    await acquainted(first, second);
  });
});

describe('the table', () => {
  const place = withServer();

  it('that is nobody to make is asked for by name; once it is there the election starts', async (t) => {
    const options = { namespace: 'asked', url: place.server.url, createTable: false };
    const election = open(t, { ...options, name: freshName() });
    const start = election.start();
    const error = await trouble(election);
    assert.equal(error.code, 'FOREIGN');
    assert.match(error.message, /no table "asked_ledger", and createTable is false/);
    assert.match(error.message, /what schema\(\) prints/);
    assert.match(error.stack, /createTable is false/);
    await place.server.say(schema({ namespace: 'asked' }));
    await start;
    await election.whenLeader();
  });

  it('is as psql makes it from schema(), under any name, twice', async (t) => {
    const names = { schema: `My "Own" Schema's`, namespace: `Ünder "quotes"` };
    await place.server.say(schema(names));
    await place.server.say(schema(names));
    const url = `${place.server.url}?schema=${encodeURIComponent(names.schema)}`;
    const options = { namespace: names.namespace, url, createTable: false };
    await leading(t, { ...options, name: freshName() });
    assert.equal(
      await place.server.say(
        `SELECT count(*) FROM "My ""Own"" Schema's"."Ünder ""quotes""_ledger"`,
      ),
      '1',
    );
  });

  it('needs no more rights than three on it', async (t) => {
    await place.server.say(
      `CREATE ROLE modest LOGIN; CREATE SCHEMA theirs;
       SET search_path = theirs; ${schema()}
       GRANT USAGE ON SCHEMA theirs TO modest;`,
    );
    const url = `${place.server.url.replace('postgres@', 'modest@')}?schema=theirs`;
    const election = open(t, { name: freshName(), url });
    const start = election.start();
    const error = await trouble(election);
    assert.equal(error.code, 'AUTH');
    assert.match(
      error.message,
      /GRANT SELECT, INSERT, UPDATE ON theirs\.interrex_ledger TO modest/,
    );
    await place.server.say('GRANT SELECT, INSERT, UPDATE ON theirs.interrex_ledger TO modest');
    await start;
    await election.whenLeader();
  });

  it("is refused a name that PostgreSQL can't have, by name", (t) => {
    const config = { name: 'InterrexError', code: 'CONFIG' };
    for (const names of [
      { schema: 'x'.repeat(64) },
      { namespace: '' },
      { namespace: 'ü'.repeat(29) },
    ])
      assert.throws(() => schema(names), { ...config, message: /a schema has up to 63 bytes/ });
    assert.throws(() => schema({ nameSpace: 'x' }), {
      ...config,
      message: /did you mean "namespace"/,
    });
    assert.throws(() => schema({ schema: 7 }), { ...config, message: /schema is 7/ });
    assert.throws(() => schema('app'), { ...config, message: /must be an object/ });
    const namespace = 'x'.repeat(57);
    assert.throws(() => open(t, { name: 'x', namespace, url: 'postgres://localhost' }), {
      ...config,
      message: /namespace.*at most 56/,
    });
    assert.match(schema({ schema: undefined, namespace: 'x'.repeat(56) }), /CREATE TABLE/);
  });
});

describe('a server', () => {
  it('without fsync promises no more than terms', async (t) => {
    const server = await startPostgres({ fsync: false });
    t.after(() => server.stop());
    const safe = { name: freshName(), url: server.url, takeover: 'safe' };
    const election = await started(t, safe);
    assert.equal(election.guarantee, 'term');
  });

  it('that is not there yet is waited for, up to startTimeout', async (t) => {
    const url = `postgres://postgres@127.0.0.1:${await freePort()}/postgres`;
    const impatient = open(t, { name: freshName(), url, startTimeout: 300 });
    await assert.rejects(impatient.start(), (error) =>
      ['TIMEOUT', 'UNREACHABLE'].includes(error.code),
    );
    const server = await startPostgres();
    t.after(() => server.stop());
    await server.kill();
    const election = open(t, { name: freshName(), url: server.url });
    const start = election.start();
    assert.equal((await trouble(election)).code, 'UNREACHABLE');
    assert.equal(election.isLeader(), false);
    await server.restart();
    await start;
    await election.whenLeader();
  });

  it('that restarts keeps the record and the value, and begins an epoch', async (t) => {
    const server = await startPostgres();
    t.after(() => server.stop());
    const options = { name: freshName(), url: server.url };
    const election = await leading(t, options);
    // Long enough that it still leads when the server is back.
    const careful = { ...options, name: freshName(), heartbeat: 1000, timeout: 8000 };
    const safe = await leading(t, { ...careful, takeover: 'safe' });
    await until(
      () =>
        election.publish({ kept: true }).then(
          () => true,
          ({ code }) =>
            assert.ok(['UNAVAILABLE', 'UNREACHABLE', 'NOT_LEADER'].includes(code), code),
        ),
      'the value is written',
    );
    const { incarnation, term } = election.token;
    const defeats = [next(election, 'defeated'), next(safe, 'defeated')];
    const begun = performance.now();
    await server.kill();
    await server.restart();
    const away = performance.now() - begun;
    const [[{ reason }], [{ reason: ofSafe }]] = await Promise.all(defeats);
    assert.equal(reason, 'presence-lost');
    // Under load the server may be away for nearly as long as this leadership lives.
    const ends = away < 4000 ? ['store-changed'] : ['store-changed', 'cut-off'];
    assert.ok(ends.includes(ofSafe), `${ofSafe} after ${away} ms`);
    await election.whenLeader();
    assert.ok(election.term > term);
    assert.notEqual(election.token.incarnation, incarnation);
    assert.deepEqual(election.value, { kept: true });
  });
});
