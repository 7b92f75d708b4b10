'use strict';
// Events: in the legal order, none lost to a listener's mistake, and no trouble of a store ever ends the process.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { Election, InterrexError } = require('interrex');
const {
  acquainted,
  freshName,
  leading,
  namesOf,
  next,
  open,
  started,
  until,
} = require('./support/elections.js');
const { onEveryMedium, onMedium } = require('./support/media.js');
const { freePort, startRedis } = require('./support/redis.js');
const { run } = require('./support/child.js');

onEveryMedium((place) => {
  it('elected before defeated, one each, with roles and leaders beside them', async (t) => {
    const name = freshName();
    const first = await leading(t, { name, url: place.url, label: 'first' });
    const second = await started(t, { name, url: place.url, label: 'second' });
    await acquainted(first, second);
    const terms = [first.term];
    await first.resign();
    await second.whenLeader();
    await until(() => first.leader?.id === second.id, 'the first knows the second');
    terms.push(second.term);
    await second.stop();
    await first.whenLeader();
    terms.push(first.term);
    await first.stop();
    const told = (election) =>
      election.log
        .filter(([event]) => event === 'elected' || event === 'defeated')
        .map(([event, { term, reason }]) => [event, term, reason]);
    assert.deepEqual(told(first), [
      ['elected', terms[0], undefined],
      ['defeated', terms[0], 'resigned'],
      ['elected', terms[2], undefined],
      ['defeated', terms[2], 'stopped'],
    ]);
    assert.deepEqual(told(second), [
      ['elected', terms[1], undefined],
      ['defeated', terms[1], 'stopped'],
    ]);
    for (const election of [first, second]) {
      const roles = election.log.filter(([event]) => event === 'role');
      assert.ok(roles.length > 0);
      // Each begins where the last one ended.
      for (let i = 1; i < roles.length; i++) assert.equal(roles[i][2], roles[i - 1][1]);
      for (const [, role, previous] of roles) assert.notEqual(role, previous);
      assert.equal(roles[0][2], 'stopped');
      assert.equal(roles.at(-1)[1], 'stopped');
    }
    const leaders = first.log.filter(([event, leader]) => event === 'leader' && leader !== null);
    const labels = leaders
      .map(([, { label }]) => label)
      .filter((label, i, all) => label !== all[i - 1]);
    assert.deepEqual(labels, ['first', 'second', 'first']);
    assert.ok(first.log.some(([event, members]) => event === 'members' && members.length === 2));
  });

  it('a listener that throws is the process to know, and costs no event', async (t) => {
    const child = run(
      t,
      `const { Election } = require('interrex');
       const election = new Election(settings);
       const errors = [];
       process.on('uncaughtException', (error) => errors.push(error.message));
       for (const event of ['elected', 'role', 'leader']) election.on(event, () => { throw new Error(event); });
       election.on('defeated', () => console.log('defeated'));
       (async () => {
         await election.start();
         await election.whenLeader();
         await election.stop();
         setImmediate(() => console.log('errors', ['elected', 'role', 'leader'].every((e) => errors.includes(e))));
       })();`,
      { name: freshName(), url: place.url },
    );
    assert.equal(await child.line('errors'), 'true');
    assert.ok(child.lines.includes('defeated'));
    assert.equal((await child.ended()).code, 0);
  });
});

onMedium('memory', (place) => {
  it('listeners may stop and start the election from within', async (t) => {
    const election = open(t, { name: freshName(), url: place.url });
    let turns = 0;
    election.on('elected', () => election.stop());
    election.on('role', (role) => {
      if (role === 'stopped' && ++turns < 3) election.start();
    });
    election.start();
    await until(() => turns === 3, 'three turns');
    assert.deepEqual(namesOf(election, 'elected', 'defeated'), [
      'elected',
      'defeated',
      'elected',
      'defeated',
      'elected',
      'defeated',
    ]);
  });
});

onMedium('redis', (place) => {
  it('without listeners an unreachable store is a warning of the process, not its end', async (t) => {
    const port = await freePort();
    const child = run(
      t,
      `const { Election } = require('interrex');
       process.on('warning', (warning) => {
         console.log('warning', warning.name, warning.code, warning.message.includes(String(settings.port)));
         election.stop().then(() => console.log('stopped'));
       });
       const election = new Election({ name: 'nowhere', redis: { host: '127.0.0.1', port: settings.port } });
       election.start();`,
      { port },
    );
    assert.equal(await child.line('warning'), 'InterrexError UNREACHABLE true');
    const { code } = await child.ended();
    assert.equal(code, 0);
    assert.ok(child.lines.includes('stopped'));
  });

  it('no url at all is a warning', async (t) => {
    const child = run(
      t,
      `const { Election } = require('interrex');
       delete process.env.INTERREX_URL;
       process.env.INTERREX_DIR = settings.directory;
       const election = new Election({ name: 'default' });
       election.on('warning', ({ message }) => console.log('warning', message));
       election.on('elected', () => election.stop());
       election.start();`,
      { directory: place.server.directory },
    );
    assert.match(await child.line('warning'), /local:/);
    assert.equal((await child.ended()).code, 0);
  });

  it('startTimeout makes an unreachable store an error of start, and start may be tried again', async (t) => {
    const port = await freePort();
    const election = open(t, {
      name: freshName(),
      url: `redis://127.0.0.1:${port}`,
      startTimeout: 200,
    });
    const waiting = assert.rejects(
      Promise.resolve().then(() => election.whenLeader()),
      { code: 'STOPPED' },
    );
    await assert.rejects(
      election.start(),
      (error) => error instanceof InterrexError && error.code === 'TIMEOUT',
    );
    await waiting;
    assert.equal(election.role, 'stopped');
    await assert.rejects(election.start(), { code: 'TIMEOUT' });
  });

  it('a wrong password is told as such', async (t) => {
    const server = await startRedis({ password: 'right' });
    t.after(() => server.stop());
    const election = open(t, {
      name: freshName(),
      redis: { host: '127.0.0.1', port: server.port, password: 'mistaken' },
    });
    const told = next(election, 'error');
    election.start();
    const [error] = await told;
    assert.equal(error.code, 'AUTH');
    assert.ok(!error.message.includes('mistaken'), error.message);
    const right = await leading(t, {
      name: freshName(),
      redis: { host: '127.0.0.1', port: server.port, password: 'right' },
    });
    assert.equal(right.isLeader(), true);
  });

  it('a store that goes away ends leadership in time; it goes on when the store is back', async (t) => {
    const server = await startRedis();
    t.after(() => server.stop());
    const election = await leading(t, { name: freshName(), url: server.url, timeout: 1000 });
    const leadership = await election.whenLeader();
    const lost = next(election, 'defeated');
    await server.kill();
    const [{ reason }] = await lost;
    assert.ok(['cut-off', 'presence-lost'].includes(reason), reason);
    assert.equal(leadership.signal.aborted, true);
    assert.equal(election.isLeader(), false);
    await until(
      () =>
        election.log.some(([event, error]) => event === 'error' && error.code === 'UNREACHABLE'),
      'told',
    );
    await server.run();
    await election.whenLeader();
    assert.ok(election.term > leadership.term);
  });

  it('members with other settings are refused by name', async (t) => {
    const name = freshName();
    await leading(t, { name, url: place.url, takeover: 'fast' });
    const other = new Election({ name, url: place.url, takeover: 'safe' });
    t.after(() => other.stop());
    const told = new Promise((resolve) => other.on('error', resolve));
    other.start();
    const error = await told;
    assert.equal(error.code, 'MISMATCH');
    assert.equal(other.isLeader(), false);
  });
});
