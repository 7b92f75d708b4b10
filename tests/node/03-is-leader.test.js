'use strict';
// isLeader answers for this very moment, and so do the other getters: they never contradict it.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { acquainted, freshName, leading, started, until } = require('./support/elections.js');
const { onEveryMedium } = require('./support/media.js');

onEveryMedium((place, medium) => {
  it('takes what is needed into account', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    assert.equal(election.isLeader(), true);
    assert.equal(election.isLeader(0), true);
    assert.equal(election.isLeader(0.5), true);
    // Nothing of a lease is left after its time-out; the kernel's exclusion has no deadline.
    assert.equal(election.isLeader(60_000), medium === 'local');
    for (const need of [-1, NaN, '5', null, {}])
      assert.throws(() => election.isLeader(need), TypeError);
  });

  it('a leadership tells what is left of it', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    const leadership = await election.whenLeader();
    if (medium === 'local') {
      assert.equal(leadership.remaining(), Infinity);
    } else {
      assert.ok(
        leadership.remaining() > 0 && leadership.remaining() <= 2000,
        `${leadership.remaining()}`,
      );
    }
    assert.equal(leadership.check(), true);
    assert.equal(leadership.check(60_000), medium === 'local');
    for (const need of [-1, NaN, '5', null]) assert.throws(() => leadership.check(need), TypeError);
    await election.stop();
    assert.equal(leadership.check(), false);
    assert.equal(leadership.remaining(), 0);
  });

  it('an old leadership stays over when the same member leads again', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    const old = await election.whenLeader();
    await election.resign();
    const young = await election.whenLeader();
    assert.notEqual(young, old);
    assert.ok(young.term > old.term);
    assert.equal(young.check(), true);
    assert.equal(old.check(), false);
    assert.equal(old.remaining(), 0);
    assert.equal(old.signal.aborted, true);
    assert.equal(young.signal.aborted, false);
  });

  it('says no at once when leadership is given up, and so does role', async (t) => {
    const name = freshName();
    const pair = [
      await leading(t, { name, url: place.url }),
      await started(t, { name, url: place.url }),
    ];
    await acquainted(...pair); // so that nobody leads again at once
    const resigned = pair[0].resign();
    assert.equal(pair[0].isLeader(), false);
    assert.notEqual(pair[0].role, 'leader');
    await resigned;
    await pair[1].whenLeader();
    const stopped = pair[1].stop();
    assert.equal(pair[1].isLeader(), false);
    assert.notEqual(pair[1].role, 'leader');
    await stopped;
  });

  it('role never says leader where isLeader says no, however often they change', async (t) => {
    const name = freshName();
    const pair = [
      await started(t, { name, url: place.url, heartbeat: 50, timeout: 250 }),
      await started(t, { name, url: place.url, heartbeat: 50, timeout: 250 }),
    ];
    await acquainted(...pair);
    for (let round = 0; round < 6; round++) {
      const leader = await until(
        () => pair.find((election) => election.isLeader()),
        'one of two leads',
      );
      const given = leader.term;
      leader.resign().catch(() => {}); // lost meanwhile, for all we know
      for (let i = 0; i < 2000; i++) {
        for (const election of pair) {
          const { term, role } = election;
          // Asked after the role: a deadline may pass in between, and then the role has changed, or the term has.
          if (!election.isLeader() && role === 'leader')
            assert.ok(election.role !== 'leader' || election.term > term);
        }
        // This thread may stand still between two questions, while one ends and the other begins.
        const both = pair[0].isLeader() && pair[1].isLeader() && pair[0].isLeader();
        assert.ok(!both, 'two leaders');
      }
      // Both rest by now, so that either may be the next.
      await until(
        () => pair.some((election) => election.isLeader() && election.term > given),
        'one of them leads in a later term',
      );
    }
  });
});
