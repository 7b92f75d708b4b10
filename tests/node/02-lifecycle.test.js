'use strict';
// start and stop in every order, on every medium.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { Election, InterrexError } = require('interrex');
const { freshName, leading, namesOf, open, started, until } = require('./support/elections.js');
const { onEveryMedium } = require('./support/media.js');

const code = (word) => (error) => error instanceof InterrexError && error.code === word;

onEveryMedium((place, medium) => {
  it('before the first start it is nobody', (t) => {
    const election = open(t, { name: freshName(), url: place.url });
    assert.equal(election.role, 'stopped');
    assert.equal(election.isLeader(), false);
    assert.equal(election.id, null);
    assert.equal(election.term, 0);
    assert.equal(election.token, null);
    assert.equal(election.leader, null);
    assert.deepEqual(election.members(), []);
    assert.equal(
      election.guarantee,
      { memory: 'exclusive', local: 'kernel', redis: 'term', postgres: 'term' }[medium],
    );
  });

  it('starts, leads, stops', async (t) => {
    const election = open(t, { name: freshName(), url: place.url, label: 'one' });
    await election.start();
    assert.notEqual(election.role, 'stopped');
    assert.match(election.id, /^[0-9a-f]{32}$/);
    const leadership = await election.whenLeader();
    assert.equal(election.isLeader(), true);
    assert.equal(election.role, 'leader');
    assert.ok(election.term > 0 && Number.isSafeInteger(election.term));
    assert.equal(election.term, leadership.term);
    assert.deepEqual(election.token, leadership.token);
    assert.match(election.token.incarnation, /^[0-9a-f]{32}$/);
    assert.deepEqual(election.leader, {
      id: election.id,
      label: 'one',
      term: election.term,
      meta: null,
    });
    await election.stop();
    assert.equal(election.isLeader(), false);
    assert.equal(election.role, 'stopped');
    assert.equal(election.token, null);
    assert.deepEqual(namesOf(election, 'elected', 'defeated', 'error'), ['elected', 'defeated']);
    assert.equal(election.log.find(([event]) => event === 'defeated')[1].reason, 'stopped');
  });

  it('start gives the same promise until it is stopped', async (t) => {
    const election = open(t, { name: freshName(), url: place.url });
    const first = election.start();
    assert.equal(election.start(), first);
    await first;
    assert.equal(election.start(), first);
    await election.stop();
    assert.notEqual(election.start(), first);
  });

  it('stop before start, twice, and at once after start', async (t) => {
    const election = open(t, { name: freshName(), url: place.url });
    await election.stop();
    await election.stop();
    const start = election.start();
    const stop = election.stop();
    assert.equal(election.stop(), stop);
    await assert.rejects(start, code('STOPPED'));
    await stop;
    assert.equal(election.role, 'stopped');
    await election.stop();
  });

  it('stop on a follower leaves the leader alone', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url });
    const follower = await started(t, { name, url: place.url });
    assert.equal(follower.isLeader(), false);
    await until(() => follower.leader?.id === leader.id, 'the follower knows its leader');
    await follower.stop();
    assert.equal(follower.role, 'stopped');
    assert.deepEqual(namesOf(follower, 'elected', 'defeated'), []);
    assert.equal(leader.isLeader(), true);
  });

  it('starts again with another session and a greater term', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    const { id, term } = election;
    await election.stop();
    await election.start();
    await election.whenLeader();
    assert.notEqual(election.id, id);
    assert.ok(election.term > term, `${election.term} > ${term}`);
  });

  it('start during stop waits for its end; stop takes that start back', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    const stop = election.stop();
    const again = election.start();
    await stop;
    await again;
    await election.whenLeader();
    const secondStop = election.stop();
    const takenBack = election.start();
    assert.equal(election.stop(), secondStop);
    await assert.rejects(takenBack, code('STOPPED'));
    await secondStop;
    assert.equal(election.role, 'stopped');
  });

  it('is disposed of by stopping', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    await election[Symbol.asyncDispose]();
    assert.equal(election.role, 'stopped');
  });

  it('tells its members, metrics and history', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url, label: 'first' });
    const follower = await started(t, { name, url: place.url, label: 'second' });
    const observer = await started(t, { name, url: place.url, label: 'third', candidate: false });
    const seen = await until(() => {
      const members = follower.members();
      return members.length === 3 && members.some(({ role }) => role === 'leader') && members;
    }, 'the follower sees three members and their leader');
    assert.deepEqual(
      seen.map(({ id, label, role, candidate }) => ({ id, label, role, candidate })),
      [
        { id: leader.id, label: 'first', role: 'leader', candidate: true },
        { id: follower.id, label: 'second', role: 'follower', candidate: true },
        { id: observer.id, label: 'third', role: 'follower', candidate: false },
      ],
    );
    for (const { lastSeenMs } of seen) assert.ok(lastSeenMs >= 0);
    const metrics = leader.metrics();
    assert.equal(metrics.elected, 1);
    assert.equal(metrics.defeated, 0);
    assert.equal(metrics.defeatedBy['host-stalled'], 0);
    assert.ok(metrics.operations > 0);
    assert.ok(Array.isArray(leader.history()) && leader.history().length > 0);
    await observer.stop();
    await until(() => follower.members().length === 2, 'the follower sees the observer leave');
  });
});

it('elections that were never started are just collected', () => {
  for (let i = 0; i < 500; i++) new Election({ name: `unused-${i}`, url: 'memory:' });
});
