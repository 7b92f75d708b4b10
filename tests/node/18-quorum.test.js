'use strict';
// Protocol quorum as an application meets it: the same surface, where it can be had.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { Election, InterrexError } = require('interrex');
const { run } = require('./support/child.js');
const { acquainted, freshName, leading, open, started, until } = require('./support/elections.js');
const { onMedia, onMedium } = require('./support/media.js');
const { startProxy } = require('./support/proxy.js');

const quorum = { protocol: 'quorum' };

onMedia(['memory', 'redis'], (place) => {
  it('one of three leads; it hands over; all talk', async (t) => {
    const options = { ...quorum, name: freshName(), url: place.url };
    const leader = await leading(t, options);
    const others = [await started(t, options), await started(t, options)];
    await acquainted(leader, ...others);
    const [first, second] = others;
    await until(() => others.every(({ leader: it }) => it?.id === leader.id), 'both know it');
    await leader.publish('value');
    await until(() => second.value === 'value', 'the value arrived');
    await leader.transfer(second.id);
    await second.whenLeader();
    assert.equal(leader.isLeader(), false);
    assert.ok(second.term > leader.log.find(([event]) => event === 'elected')[1].term);
    assert.equal(second.value, 'value');
    const heard = new Promise((resolve) => first.once('message', resolve));
    await second.send('followers', 'order');
    assert.deepEqual(await heard, { data: 'order', from: second.id, fromLeader: true });
  });

  it('protocols do not mix', async (t) => {
    const name = freshName();
    await leading(t, { ...quorum, name, url: place.url });
    const other = open(t, { name, url: place.url });
    other.start();
    await until(
      () => other.log.some(([event, error]) => event === 'error' && error.code === 'MISMATCH'),
      'it is told',
    );
    assert.equal(other.isLeader(), false);
  });
});

onMedium('redis', (place) => {
  it('who hears nobody any more does not lead when another does', async (t) => {
    const name = freshName();
    const proxy = await startProxy(t, place.server.port);
    const settings = { ...quorum, heartbeat: 100, timeout: 1000, name };
    const child = run(
      t,
      `const { Election } = require('interrex');
       const election = new Election(settings);
       let last;
       setInterval(() => election.isLeader() && (last = Date.now()), 1);
       election.on('elected', () => console.log('elected'));
       election.on('defeated', ({ reason }) => console.log('defeated', last, reason));
       election.on('error', () => {});
       election.start();`,
      { ...settings, url: `redis://127.0.0.1:${proxy.port}` },
    );
    await child.line('elected');
    const others = [
      await started(t, { ...settings, url: place.url }),
      await started(t, { ...settings, url: place.url }),
    ];
    await until(() => others.every((it) => it.members().length === 3), 'they know the leader');
    await until(() => others.every(({ leader }) => leader !== null), 'and that it leads');
    proxy.silence();
    const leader = await until(() => others.find((it) => it.isLeader()), 'one of them leads');
    const electedAt = Date.now();
    const [last, reason] = (await child.line('defeated')).split(' ');
    assert.ok(Number(last) <= electedAt, `it led ${last - electedAt} ms too long`);
    assert.ok(['cut-off', 'expired'].includes(reason), reason);
    assert.equal(others.filter((it) => it.isLeader()).length, 1);
    assert.ok(leader.term > 0);
  });
});

it('is refused, by name, where the medium can not carry it', () => {
  assert.throws(
    () => new Election({ ...quorum, name: 'quorum', url: 'local:' }),
    (error) =>
      error instanceof InterrexError &&
      error.code === 'CONFIG' &&
      /protocol.*quorum.*local:/.test(error.message),
  );
});
