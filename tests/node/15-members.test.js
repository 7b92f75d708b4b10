'use strict';
// What members say of themselves: who sees it, when it changes, and what can not be said.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { Election, InterrexError } = require('interrex');
const native = require('../../bindings/node/native.js');
const { run } = require('./support/child.js');
const { acquainted, freshName, leading, open, started, until } = require('./support/elections.js');
const { onMedium, onSharedMedia, sideBySide } = require('./support/media.js');

const LIMIT = 4096;

const metaOf = (election, id) => election.members().find((member) => member.id === id)?.meta;

sideBySide((place) => {
  it('is seen by every member, and beside the leader', async (t) => {
    const name = freshName();
    const meta = { zone: 'a', weight: 1.5, tags: ['grüße', null] };
    const leader = await leading(t, { name, url: place.url, label: 'one', meta });
    assert.deepEqual(leader.meta, meta);
    const plain = await started(t, { name, url: place.url });
    const observer = await started(t, { name, url: place.url, meta: 'text', candidate: false });
    const everyone = [leader, plain, observer];
    await acquainted(...everyone);
    for (const election of everyone) {
      await until(() => election.leader?.id === leader.id, 'it knows the leader');
      assert.deepEqual(
        election.members().map((member) => [member.id, member.meta]),
        [
          [leader.id, meta],
          [plain.id, null],
          [observer.id, 'text'],
        ],
      );
      assert.deepEqual(election.leader, {
        id: leader.id,
        label: 'one',
        term: leader.term,
        meta,
      });
    }
    const told = plain.log.filter(([event, who]) => event === 'leader' && who !== null).at(-1);
    assert.equal(told[1].id, leader.id);
  });

  it('changes for all, with an event', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url, meta: 1 });
    const follower = await started(t, { name, url: place.url, meta: 2 });
    await acquainted(leader, follower);
    assert.equal(await follower.setMeta({ busy: true }), undefined);
    assert.deepEqual(follower.meta, { busy: true });
    await until(() => metaOf(leader, follower.id)?.busy, 'the leader sees it');
    await until(
      () =>
        leader.log.some(
          ([event, members]) => event === 'members' && members.some(({ meta }) => meta?.busy),
        ),
      'the leader is told',
    );
    await leader.setMeta(null);
    assert.equal(leader.meta, null);
    await until(() => metaOf(follower, leader.id) === null, 'the follower sees it');
    assert.equal(leader.isLeader(), true);
  });

  it('is the last that was said, whatever the order of the answers', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url });
    const follower = await started(t, { name, url: place.url });
    await acquainted(leader, follower);
    await Promise.all(Array.from({ length: 20 }, (_, i) => follower.setMeta(i)));
    await until(() => metaOf(leader, follower.id) === 19, 'the last one');
  });

  it('can be said before the first start, and outlives a stop', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url });
    const election = open(t, { name, url: place.url, meta: 'first' });
    await election.setMeta('second');
    assert.equal(election.meta, 'second');
    await election.start();
    await until(() => metaOf(leader, election.id) === 'second', 'the leader sees it');
    await election.stop();
    assert.equal(election.meta, 'second');
    await election.setMeta('third');
    await election.start();
    await until(() => metaOf(leader, election.id) === 'third', 'the leader sees the next');
  });

  it('is a copy: changing what was given or got changes nothing', async (t) => {
    const mine = { list: [1] };
    const election = await leading(t, { name: freshName(), url: place.url, meta: mine });
    mine.list.push(2);
    election.meta.list.push(3);
    assert.deepEqual(election.meta, { list: [1] });
    await until(() => election.members().length === 1, 'it sees itself');
    election.members()[0].meta.list.push(4);
    assert.deepEqual(metaOf(election, election.id), { list: [1] });
  });

  it('takes up exactly to the limit', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    const most = 'm'.repeat(LIMIT - 2);
    await election.setMeta(most);
    await until(() => metaOf(election, election.id) === most, 'it is seen');
    await assert.rejects(election.setMeta(`${most}m`), {
      name: 'InterrexError',
      code: 'TOO_LARGE',
      message: /4097 bytes.*limit is 4096/,
    });
    await assert.rejects(election.setMeta(undefined), TypeError);
    await assert.rejects(election.setMeta(1n), TypeError);
    assert.equal(election.meta, most, 'what was refused was not taken');
  });

  it('of a member that does not keep to JSON is null', async (t) => {
    const name = freshName();
    const election = await leading(t, { name, url: place.url });
    const stranger = new native.Handle(place.url, ['name', name, 'meta', 'not {JSON']);
    stranger.onReady = () => {
      while (stranger.nextEvent() !== null);
    };
    stranger.start();
    await until(() => election.members().length === 2, 'it sees the stranger');
    assert.equal(metaOf(election, stranger.status().id), null);
    stranger.stop();
    await until(() => stranger.status().role === 'stopped', 'the stranger stopped');
    stranger.idle();
  });
});

it('in the options is refused where JSON can not carry it, or too much of it', () => {
  const refused = (meta, message) =>
    assert.throws(
      () => new Election({ name: 'meta', url: 'memory:', meta }),
      (error) => error instanceof InterrexError && error.code === 'CONFIG' && message.test(error),
    );
  refused(() => 1, /the meta can not be carried as JSON: it is a function/);
  refused(1n, /the meta can not be carried as JSON.*BigInt/);
  refused('m'.repeat(LIMIT), /the meta is too large: 4098 bytes as JSON, and the limit is 4096/);
  new Election({ name: 'meta', url: 'memory:', meta: undefined });
  new Election({ name: 'meta', url: 'memory:', meta: null });
});

onSharedMedia((place) => {
  it('is seen by other processes', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url, meta: { zone: 'here' } });
    const child = run(
      t,
      `const { Election } = require('interrex');
       const election = new Election(settings);
       election.on('leader', (leader) => leader && console.log('leader', JSON.stringify(leader.meta)));
       election.start();`,
      { name, url: place.url, meta: { zone: 'there' } },
    );
    assert.deepEqual(JSON.parse(await child.line('leader')), { zone: 'here' });
    await until(
      () => leader.members().some(({ meta }) => meta?.zone === 'there'),
      'the leader sees the other process',
    );
  });
});

onMedium('redis', (place) => {
  it('is written again where the store came back empty', async (t) => {
    const name = freshName();
    const elections = [
      await leading(t, { name, url: place.url, meta: 'one' }),
      await started(t, { name, url: place.url, meta: 'two' }),
    ];
    await acquainted(...elections);
    await elections[1].setMeta('changed');
    await place.server.kill();
    await place.server.run();
    await until(() => elections.some((election) => election.isLeader()), 'one of them leads');
    await until(
      () =>
        elections.every(
          (election) =>
            metaOf(election, elections[0].id) === 'one' &&
            metaOf(election, elections[1].id) === 'changed',
        ),
      'both see both',
    );
  });
});
