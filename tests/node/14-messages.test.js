'use strict';
// Messages: who gets which, in which order, as what; and what becomes of one that nobody can get.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { InterrexError } = require('interrex');
const native = require('../../bindings/node/native.js');
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
const { onMedium, onSharedMedia, sideBySide } = require('./support/media.js');

const LIMIT = 64 * 1024;
const POSTGRES_LIMIT = 5901; // what is left of a NOTIFY's 8000 bytes

/** A leader and two followers that all know each other, each with what it received in `got`. */
async function three(t, place) {
  const name = freshName();
  const options = { name, url: place.url, timeout: 4000 }; // a message may take a third of it
  const leader = await leading(t, { ...options, label: 'leader' });
  const first = await started(t, { ...options, label: 'first' });
  const second = await started(t, { ...options, label: 'second' });
  await acquainted(leader, first, second);
  await until(
    () => [first, second].every((follower) => follower.leader?.id === leader.id),
    'both know their leader',
  );
  for (const election of [leader, first, second]) {
    election.got = [];
    election.on('message', ({ data }) => election.got.push(data));
  }
  return { name, leader, first, second };
}

sideBySide((place, medium) => {
  const limit = medium === 'postgres' ? POSTGRES_LIMIT : LIMIT;

  it('reach the leader, the followers, all, or one; never the sender', async (t) => {
    const { leader, first, second } = await three(t, place);
    await leader.send('followers', 'leader to followers');
    await leader.send('all', 'leader to all');
    await leader.send(second.id, 'leader to second');
    await first.send('leader', 'first to leader');
    await first.send('followers', 'first to followers');
    await first.send('all', 'first to all');
    await first.send(second.id, 'first to second');
    await first.send(leader.id, 'first to leader by id');
    // What is sent last by each arrives last of what it sent.
    await leader.send('all', 'end');
    await first.send('all', 'end');
    await until(() => leader.got.at(-1) === 'end', 'the leader got all');
    await until(() => first.got.at(-1) === 'end', 'the first got all');
    await until(
      () => second.got.filter((data) => data === 'end').length === 2,
      'the second got all',
    );
    const from = (election, sender) => election.got.filter((data) => data.startsWith(sender));
    assert.deepEqual(from(leader, 'first'), [
      'first to leader',
      'first to all',
      'first to leader by id',
    ]);
    assert.deepEqual(from(leader, 'leader'), []);
    assert.deepEqual(from(first, 'leader'), ['leader to followers', 'leader to all']);
    assert.deepEqual(from(first, 'first'), []);
    assert.deepEqual(from(second, 'leader'), [
      'leader to followers',
      'leader to all',
      'leader to second',
    ]);
    assert.deepEqual(from(second, 'first'), [
      'first to followers',
      'first to all',
      'first to second',
    ]);
  });

  it('say from whom they are, and whether that one led', async (t) => {
    const { leader, first, second } = await three(t, place);
    const toFirst = next(first, 'message');
    await leader.send(first.id, { order: 1 });
    assert.deepEqual(await toFirst, [{ data: { order: 1 }, from: leader.id, fromLeader: true }]);
    const toSecond = next(second, 'message');
    await first.send(second.id, null);
    assert.deepEqual(await toSecond, [{ data: null, from: first.id, fromLeader: false }]);
  });

  it('arrive in the order they were sent, each once', async (t) => {
    const { leader, first } = await three(t, place);
    const count = 300;
    await Promise.all(Array.from({ length: count }, (_, i) => first.send('leader', i)));
    await until(() => leader.got.length >= count, 'all arrived');
    assert.deepEqual(
      leader.got,
      Array.from({ length: count }, (_, i) => i),
    );
  });

  it('carry whatever JSON carries, up to exactly the limit', async (t) => {
    const { leader, first } = await three(t, place);
    const values = [
      null,
      false,
      0,
      -1.5e300,
      '',
      'grüße, 世界 \u0000 \ud83d\ude00',
      [],
      {},
      { deep: [{ er: [null] }], 'a key': '\n' },
      'x'.repeat(limit - 2),
    ];
    for (const value of values) await leader.send(first.id, value);
    await until(() => first.got.length === values.length, 'all arrived');
    assert.deepEqual(first.got, values);
  });

  it('that can not be JSON, or are too large, are refused', async (t) => {
    const { leader, first } = await three(t, place);
    const circular = {};
    circular.self = circular;
    for (const [value, reason] of [
      [undefined, /it is undefined/],
      [() => 1, /it is a function/],
      [Symbol('s'), /it is a symbol/],
      [1n, /BigInt/],
      [circular, /circular/],
    ]) {
      await assert.rejects(leader.send('all', value), (error) => {
        assert.ok(error instanceof TypeError && !(error instanceof InterrexError), `${error}`);
        assert.match(error.message, /^the message can not be carried as JSON/);
        assert.match(error.message, reason);
        return true;
      });
    }
    const thrown = new RangeError('from toJSON');
    const throws = {
      toJSON() {
        throw thrown;
      },
    };
    await assert.rejects(leader.send('all', throws), thrown);
    await assert.rejects(leader.send('all', 'x'.repeat(limit - 1)), (error) => {
      assert.ok(error instanceof InterrexError);
      assert.equal(error.code, 'TOO_LARGE');
      assert.match(error.message, new RegExp(`${limit + 1} bytes.*limit is ${limit}$`));
      return true;
    });
    // Bytes count, not characters.
    await assert.rejects(leader.send('all', 'ü'.repeat(limit / 2)), { code: 'TOO_LARGE' });
    await leader.send('all', 'end');
    await until(() => first.got.length > 0, 'the last one arrived');
    assert.deepEqual(first.got, ['end']);
  });

  it('to nobody are refused, for a reason', async (t) => {
    const { leader, first, second } = await three(t, place);
    for (const to of ['', 'bob', 'Leader', `${first.id}0`, undefined, null, 7, {}]) {
      await assert.rejects(leader.send(to, 1), {
        name: 'TypeError',
        message: /^send\(\) goes to 'leader', 'followers', 'all' or the id/,
      });
    }
    await assert.rejects(leader.send('leader', 1), { code: 'STATE', message: /to itself/ });
    await assert.rejects(first.send(first.id, 1), { code: 'STATE', message: /sender itself/ });
    const stranger = '0123456789abcdef0123456789abcdef';
    await assert.rejects(leader.send(stranger, 1), {
      code: 'NO_MEMBER',
      message: new RegExp(`nobody .* ${stranger}`),
    });
    const { id } = second;
    await second.stop();
    await until(() => leader.members().length === 2, 'the second has left');
    await assert.rejects(leader.send(id, 1), { code: 'NO_MEMBER' });
    await assert.rejects(second.send('all', 1), { code: 'STOPPED' });
    const fresh = open(t, { name: freshName(), url: place.url });
    await assert.rejects(fresh.send('all', 1), { code: 'STOPPED' });
  });

  it('are sent and received by an observer, too', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url });
    const observer = await started(t, { name, url: place.url, candidate: false });
    await acquainted(leader, observer);
    await until(() => observer.leader !== null, 'it knows the leader');
    leader.on('message', ({ from, data }) => leader.send(from, data + 1));
    const answer = next(observer, 'message');
    await observer.send('leader', 1);
    assert.deepEqual(await answer, [{ data: 2, from: leader.id, fromLeader: true }]);
  });

  it('reach a member that was stopped and started again', async (t) => {
    const { leader, first, second } = await three(t, place);
    const before = first.id;
    await first.stop();
    await first.start();
    await acquainted(leader, first, second);
    assert.notEqual(first.id, before);
    await leader.send('followers', 'to followers');
    await leader.send(first.id, 'to the first');
    await until(() => first.got.length === 2, 'both arrived');
    assert.deepEqual(first.got, ['to followers', 'to the first']);
  });

  it('that are under way when it stops settle', async (t) => {
    const { first } = await three(t, place);
    const sends = Array.from({ length: 50 }, (_, i) => first.send('all', i));
    const [results] = await Promise.all([Promise.allSettled(sends), first.stop()]);
    for (const { status, reason } of results) {
      if (status === 'rejected') assert.ok(reason instanceof InterrexError, `${reason}`);
    }
  });

  it('that are no JSON are a warning, and dropped', async (t) => {
    const name = freshName();
    const election = await leading(t, { name, url: place.url });
    const got = [];
    election.on('message', ({ data }) => got.push(data));
    // A member of another language that does not keep to JSON.
    const stranger = new native.Handle(place.url, ['name', name]);
    stranger.onReady = () => {
      while (stranger.nextEvent() !== null);
    };
    stranger.start();
    t.after(async () => {
      stranger.stop();
      await until(() => stranger.status().role === 'stopped', 'the stranger stopped');
      stranger.idle();
    });
    await until(() => election.members().length === 2, 'it sees the stranger');
    await until(() => stranger.status().leader !== null, 'the stranger sees it');
    const bytes = [
      Buffer.from('{'),
      Buffer.from([0xff, 0xfe]),
      Buffer.alloc(0),
      Buffer.from('"ok"'),
    ];
    for (const data of bytes) stranger.send('leader', data);
    await until(() => got.length === 1, 'the good one arrived');
    assert.deepEqual(got, ['ok']);
    const warnings = election.log.filter(([event]) => event === 'warning');
    assert.equal(warnings.length, 3);
    for (const [, warning] of warnings) {
      assert.equal(warning.code, 'FOREIGN');
      assert.match(warning.message, /^the message from [0-9a-f]{32} is no JSON .* dropped/);
    }
  });

  it('that are refused are no unhandled rejection where nobody looks, mistakes are', async (t) => {
    const child = run(
      t,
      `const { Election } = require('interrex');
       process.on('unhandledRejection', ({ name }) => console.log('unhandled', name));
       const election = new Election(settings);
       election.send('all', 'stopped');
       election.start().then(() => election.whenLeader()).then(async () => {
         election.send('leader', 'myself');
         election.send('${'0'.repeat(31)}1', 'nobody');
         election.publish(1);
         election.send('all', undefined);
         setTimeout(async () => {
           await election.stop();
           election.publish(2);
           console.log('end');
         }, 50);
       });`,
      { name: freshName(), url: place.url },
    );
    const { code, lines } = await child.ended();
    assert.equal(code, 0);
    assert.deepEqual(lines, ['unhandled TypeError', 'end']);
  });
});

onSharedMedia((place) => {
  it('pass between processes', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url });
    leader.on('message', async ({ data, from }) => {
      await until(() => leader.members().some(({ id }) => id === from), 'it sees who asks');
      leader.send(from, data.toUpperCase());
    });
    const child = run(
      t,
      `const { Election } = require('interrex');
       const election = new Election(settings);
       election.on('message', ({ data, fromLeader }) => {
         console.log('got', data, fromLeader);
         election.stop();
       });
       election.on('leader', (leader) => leader && election.send('leader', 'ping'));
       election.start();`,
      { name, url: place.url },
    );
    assert.equal(await child.line('got'), 'PING true');
    assert.equal((await child.ended()).code, 0);
  });
});

onMedium('redis', (place) => {
  it('do not leave while the store is away, and do again when it is back', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url });
    const follower = await started(t, { name, url: place.url });
    await acquainted(leader, follower);
    await place.server.kill();
    await until(
      () => leader.log.some(([event, error]) => event === 'error' && error.code === 'UNREACHABLE'),
      'the leader is told',
    );
    await assert.rejects(leader.send('all', 1), InterrexError);
    await place.server.run();
    await until(() => leader.isLeader() || follower.isLeader(), 'one of them leads again');
    await acquainted(leader, follower);
    const arrived = next(follower, 'message');
    await until(
      () =>
        leader.send(follower.id, 'again').then(
          () => true,
          () => false,
        ),
      'a message leaves',
    );
    assert.equal((await arrived)[0].data, 'again');
  });
});
