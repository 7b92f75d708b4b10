'use strict';
// Two and more members: one leads, and leadership passes on by stop, by resignation and by transfer.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const {
  acquainted,
  freshName,
  leading,
  namesOf,
  next,
  started,
  until,
} = require('./support/elections.js');
const { onEveryMedium, onSharedMedia } = require('./support/media.js');
const { run } = require('./support/child.js');

const code = (word) => (error) => error.code === word;

onEveryMedium((place) => {
  it('of several members exactly one leads, and all agree who', async (t) => {
    const name = freshName();
    const members = await Promise.all([1, 2, 3].map(() => started(t, { name, url: place.url })));
    const leader = await until(() => members.find((member) => member.isLeader()), 'one leads');
    await until(() => members.every((member) => member.leader?.id === leader.id), 'all agree');
    assert.equal(members.filter((member) => member.isLeader()).length, 1);
    for (const member of members) assert.equal(member.term, leader.term);
  });

  it('elections of other names and namespaces do not touch it', async (t) => {
    const name = freshName();
    const one = await leading(t, { name, url: place.url });
    const two = await leading(t, { name, namespace: 'elsewhere', url: place.url });
    const three = await leading(t, { name: `${name}.`, url: place.url });
    for (const election of [one, two, three]) assert.equal(election.isLeader(), true);
  });

  it('stop hands over to the next, with a greater term', async (t) => {
    const name = freshName();
    const first = await leading(t, { name, url: place.url });
    const second = await started(t, { name, url: place.url });
    const { term } = first;
    await Promise.all([second.whenLeader(), first.stop()]);
    assert.ok(second.term > term);
    assert.equal(first.isLeader(), false);
  });

  it('resign hands over, and contends again', async (t) => {
    const name = freshName();
    const first = await leading(t, { name, url: place.url });
    const second = await started(t, { name, url: place.url });
    await acquainted(first, second);
    const defeat = next(first, 'defeated');
    const { term } = first;
    await first.resign();
    const [{ reason, term: lost }] = await defeat;
    assert.equal(reason, 'resigned');
    assert.equal(lost, term);
    await second.whenLeader();
    await until(
      () => first.role === 'follower' && first.leader?.id === second.id,
      'the first follows the second',
    );
    await second.stop();
    await first.whenLeader();
  });

  it('resign of the only candidate leads again', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    const { term } = election;
    await election.resign();
    await election.whenLeader();
    assert.ok(election.term > term);
  });

  it('transfer names the successor', async (t) => {
    const name = freshName();
    const first = await leading(t, { name, url: place.url });
    const second = await started(t, { name, url: place.url });
    const third = await started(t, { name, url: place.url });
    await acquainted(first, second, third);
    const defeat = next(first, 'defeated');
    await first.transfer(third.id);
    assert.equal((await defeat)[0].reason, 'transferred');
    await third.whenLeader();
    assert.deepEqual(namesOf(second, 'elected'), []);
  });

  it('only a leader gives leadership up, and only to a candidate', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url });
    const follower = await started(t, { name, url: place.url });
    await assert.rejects(follower.resign(), code('NOT_LEADER'));
    await assert.rejects(follower.transfer(follower.id), code('NOT_LEADER'));
    await assert.rejects(leader.transfer('f'.repeat(32)), code('NO_MEMBER'));
    await assert.rejects(leader.transfer('nobody'), code('NO_MEMBER'));
    await assert.rejects(leader.transfer(undefined), TypeError);
    assert.equal(leader.isLeader(), true);
    await leader.stop();
    await assert.rejects(leader.resign(), (error) =>
      ['STOPPED', 'NOT_LEADER'].includes(error.code),
    );
  });

  it('an observer never leads', async (t) => {
    const name = freshName();
    const observer = await started(t, { name, url: place.url, candidate: false });
    const leader = await leading(t, { name, url: place.url });
    await until(() => observer.leader?.id === leader.id, 'the observer knows the leader');
    await leader.stop();
    await until(() => observer.leader === null, 'the observer sees it go');
    assert.equal(observer.isLeader(), false);
    assert.deepEqual(namesOf(observer, 'elected'), []);
  });
});

onSharedMedia((place) => {
  it('a leader of another process is known by its label, and succeeded when it is killed', async (t) => {
    const name = freshName();
    const child = run(
      t,
      `const { Election } = require('interrex');
       const election = new Election(settings);
       election.on('elected', ({ term }) => console.log('elected', term));
       election.start();`,
      { name, url: place.url, label: 'the other' },
    );
    const term = Number(await child.line('elected'));
    const mine = await started(t, { name, url: place.url });
    await until(() => mine.leader?.label === 'the other', 'the other is known');
    assert.equal(mine.isLeader(), false);
    child.kill('SIGKILL');
    await mine.whenLeader();
    assert.ok(mine.term > term);
  });
});
