'use strict';
// The published value: written by the leader alone, received by all, inherited by whoever leads next.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const native = require('../../bindings/node/native.js');
const { run } = require('./support/child.js');
const { acquainted, freshName, leading, open, started, until } = require('./support/elections.js');
const { onSharedMedia, sideBySide } = require('./support/media.js');

const LIMIT = 64 * 1024;

/** Records the published values that it is told of. */
function listen(election) {
  election.values = [];
  election.on('value', (published) => election.values.push(published));
  return election;
}

const newer = (a, b) => a.term > b.term || (a.term === b.term && a.index > b.index);

sideBySide((place) => {
  it('reaches every member, with its version', async (t) => {
    const name = freshName();
    const leader = listen(await leading(t, { name, url: place.url }));
    const follower = listen(await started(t, { name, url: place.url }));
    await acquainted(leader, follower);
    assert.equal(leader.value, null);
    assert.equal(follower.value, null);
    const { version } = await leader.publish({ shards: ['a', 'b'] });
    assert.equal(version.term, leader.term);
    assert.ok(version.index > 0 && Number.isSafeInteger(version.index));
    await until(() => follower.values.length > 0, 'the follower is told');
    assert.deepEqual(follower.values, [{ version, value: { shards: ['a', 'b'] } }]);
    assert.deepEqual(follower.value, { shards: ['a', 'b'] });
    await until(() => leader.values.length > 0, 'the leader is told');
    assert.deepEqual(leader.value, { shards: ['a', 'b'] });
    const second = await leader.publish('next');
    assert.ok(newer(second.version, version));
    await until(() => follower.value === 'next', 'the follower has the next');
  });

  it('reaches who comes later', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url });
    const { version } = await leader.publish([1, 2, 3]);
    const late = listen(open(t, { name, url: place.url }));
    await late.start();
    await until(() => late.values.length > 0, 'the late one is told');
    assert.deepEqual(late.values, [{ version, value: [1, 2, 3] }]);
    assert.deepEqual(late.value, [1, 2, 3]);
  });

  it('is inherited by the next leader, whose values are newer', async (t) => {
    const name = freshName();
    const first = await leading(t, { name, url: place.url });
    const { version } = await first.publish('of the first');
    const second = listen(await started(t, { name, url: place.url }));
    await acquainted(first, second);
    await first.stop();
    await second.whenLeader();
    assert.equal(second.value, 'of the first');
    const after = await second.publish('of the second');
    assert.ok(newer(after.version, version), JSON.stringify([after.version, version]));
    assert.equal(after.version.term, second.term);
    const again = await started(t, { name, url: place.url });
    await until(() => again.value === 'of the second', 'a newcomer has it');
  });

  it('is the leader to publish, and nobody else', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url });
    const follower = await started(t, { name, url: place.url });
    await acquainted(leader, follower);
    await leader.publish('right');
    await assert.rejects(follower.publish('wrong'), { name: 'InterrexError', code: 'NOT_LEADER' });
    const { draining } = await leader.whenLeader();
    await leader.resign();
    assert.equal(draining.aborted, true);
    await assert.rejects(leader.publish('late'), { code: 'NOT_LEADER' });
    await leader.stop();
    await assert.rejects(leader.publish('stopped'), (error) =>
      ['NOT_LEADER', 'STOPPED'].includes(error.code),
    );
    await until(() => follower.value === 'right', 'the right one');
  });

  it('takes whatever JSON carries, up to exactly the limit', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url });
    const follower = await started(t, { name, url: place.url });
    for (const value of [0, '', false, [], { grüße: '世界' }, 'v'.repeat(LIMIT - 2), null]) {
      await leader.publish(value);
      await until(
        () => JSON.stringify(follower.value) === JSON.stringify(value),
        'the follower has it',
      );
    }
    await assert.rejects(leader.publish('v'.repeat(LIMIT - 1)), {
      code: 'TOO_LARGE',
      message: /65537 bytes.*limit is 65536/,
    });
    await assert.rejects(leader.publish(undefined), {
      name: 'TypeError',
      message: /^the value can not be carried as JSON/,
    });
    assert.equal(leader.value, null);
  });

  it('is in the end the last of many, and never goes back', async (t) => {
    const options = { name: freshName(), url: place.url, timeout: 4000 }; // a value may take a third of it
    const leader = await leading(t, options);
    const follower = listen(await started(t, options));
    const published = await Promise.all(Array.from({ length: 50 }, (_, i) => leader.publish(i)));
    for (let i = 1; i < published.length; i++)
      assert.ok(newer(published[i].version, published[i - 1].version));
    await until(() => follower.value === 49, 'the follower has the last');
    await until(() => follower.values.at(-1)?.value === 49, 'and is told');
    for (let i = 1; i < follower.values.length; i++)
      assert.ok(newer(follower.values[i].version, follower.values[i - 1].version));
  });

  it('is a copy', async (t) => {
    const leader = await leading(t, { name: freshName(), url: place.url });
    const mine = { list: [1] };
    const publishing = leader.publish(mine);
    mine.list.push(2);
    await publishing;
    leader.value.list.push(3);
    assert.deepEqual(leader.value, { list: [1] });
  });

  it('that is no JSON is a warning, and not there', async (t) => {
    const name = freshName();
    const stranger = new native.Handle(place.url, ['name', name]);
    stranger.onReady = () => {
      while (stranger.nextEvent() !== null);
    };
    stranger.start();
    await until(() => stranger.leads(0), 'the stranger leads');
    const election = listen(await started(t, { name, url: place.url }));
    stranger.publish(Buffer.from('not {JSON'));
    await until(() => election.log.some(([event]) => event === 'warning'), 'a warning');
    const [, warning] = election.log.find(([event]) => event === 'warning');
    assert.equal(warning.code, 'FOREIGN');
    assert.match(warning.message, /^the published value \d+\.\d+ is no JSON .* dropped/);
    assert.equal(election.value, null);
    assert.deepEqual(election.values, []);
    stranger.stop();
    await until(() => stranger.status().role === 'stopped', 'the stranger stopped');
    stranger.idle();
  });
});

onSharedMedia((place) => {
  it('outlives the process that published it', async (t) => {
    const name = freshName();
    const child = run(
      t,
      `const { Election } = require('interrex');
       const election = new Election(settings);
       election.on('elected', async () => {
         await election.publish({ position: 42 });
         process.kill(process.pid, 'SIGKILL'); // it was durable in the medium
       });
       election.start();`,
      { name, url: place.url },
    );
    assert.equal((await child.ended()).signal, 'SIGKILL');
    const successor = await leading(t, { name, url: place.url });
    await until(() => successor.value?.position === 42, 'the successor has it');
  });
});
