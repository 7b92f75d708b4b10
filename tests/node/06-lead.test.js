'use strict';
// lead: runs a function under leadership, again after a loss, and gives leadership up when the function is done.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const {
  acquainted,
  block,
  freshName,
  leading,
  open,
  started,
  until,
} = require('./support/elections.js');
const { onEveryMedium, onMedium } = require('./support/media.js');

const code = (word) => (error) => error.code === word;

function aborted(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', resolve, { once: true });
  });
}

onEveryMedium((place) => {
  it('gives what the function gives, and resigns', async (t) => {
    const election = open(t, { name: freshName(), url: place.url });
    election.start();
    let held;
    const result = await election.lead(async (leadership) => {
      held = leadership;
      assert.equal(election.isLeader(), true);
      assert.equal(leadership.check(), true);
      await sleep(20);
      return 'done';
    });
    assert.equal(result, 'done');
    assert.equal(held.signal.aborted, true);
    assert.equal(held.signal.reason.reason, 'resigned');
    assert.equal(held.signal.reason.code, 'NOT_LEADER');
    assert.equal(held.check(), false);
  });

  it('fails as the function fails, and resigns', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    const { term } = election;
    const mistake = new Error('mistake');
    await assert.rejects(
      election.lead(() => {
        throw mistake;
      }),
      mistake,
    );
    await election.whenLeader();
    assert.ok(election.term > term);
  });

  it('keeps leadership if asked to', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    const { term } = election;
    assert.equal(await election.lead(() => 7, { keep: true }), 7);
    await assert.rejects(
      election.lead(() => Promise.reject(new Error('no')), { keep: true }),
      /no/,
    );
    assert.equal(election.isLeader(), true);
    assert.equal(election.term, term);
    assert.throws(() => election.lead('not a function'), TypeError);
  });

  it('two members take turns: never both at a time', async (t) => {
    const name = freshName();
    let inside = 0;
    const turns = [];
    const options = { name, url: place.url, timeout: 1500 };
    const members = [await started(t, options), await started(t, options)];
    await acquainted(...members); // or the first would take every turn
    const worker = async (who, election) => {
      while (turns.length < 4) {
        await election.lead(async () => {
          inside += 1;
          assert.equal(inside, 1);
          turns.push(who);
          await sleep(5);
          inside -= 1;
        });
      }
      await election.stop();
    };
    await Promise.all([worker('a', members[0]), worker('b', members[1])]);
    assert.ok(turns.includes('a') && turns.includes('b'), turns.join(''));
  });

  it('on loss: aborts, awaits, runs again when re-elected', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url, stallLimit: 200 });
    const seen = [];
    let running = 0;
    const result = await election.lead(async (leadership) => {
      assert.equal(++running, 1);
      seen.push(leadership);
      if (seen.length === 1) {
        block(1000);
        await aborted(leadership.signal);
        await sleep(50); // what was begun ends before it runs again
        running -= 1;
        throw new Error('void, since leadership was lost first');
      }
      running -= 1;
      return seen.length;
    });
    assert.ok(result >= 2); // a machine under load may stall once more
    assert.ok(seen[1].term > seen[0].term);
    assert.equal(seen[0].signal.reason.reason, 'host-stalled');
    assert.equal(seen[0].draining.aborted, true);
  });

  it('a signal ends it: draining tells the function, which is awaited', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    const controller = new AbortController();
    const order = [];
    const led = election.lead(
      async (leadership) => {
        setTimeout(() => controller.abort(new Error('enough')), 10);
        await aborted(leadership.draining);
        order.push('draining', leadership.check(), leadership.signal.aborted, election.isLeader());
        await sleep(20);
        order.push(leadership.check());
        return 'void';
      },
      { signal: controller.signal },
    );
    await assert.rejects(led, /enough/);
    assert.deepEqual(order, ['draining', true, false, false, true]);
    await assert.rejects(
      election.lead(() => {}, { signal: AbortSignal.abort(new Error('never')) }),
      /never/,
    );
  });

  it('a signal with keep leaves leadership as it is', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    const controller = new AbortController();
    const led = election.lead(() => controller.abort(new Error('enough')), {
      keep: true,
      signal: controller.signal,
    });
    await assert.rejects(led, /enough/);
    assert.equal(election.isLeader(), true);
  });

  it('stop ends a lead that waits, and drains one that runs', async (t) => {
    const name = freshName();
    const leader = await leading(t, { name, url: place.url });
    const follower = await started(t, { name, url: place.url });
    const waiting = assert.rejects(
      follower.lead(() => assert.fail('never elected')),
      code('STOPPED'),
    );
    await follower.stop();
    await waiting;
    let runs = false;
    const led = leader.lead(async (leadership) => {
      runs = true;
      await aborted(leadership.draining);
      return leadership.draining.reason.reason;
    });
    await until(() => runs, 'it runs');
    await leader.stop();
    assert.equal(await led, 'stopped');
  });
});

onMedium('memory', (place) => {
  it('a lead nobody looks at does not fail the process when stop ends it', async (t) => {
    const name = freshName();
    await leading(t, { name, url: place.url });
    const follower = await started(t, { name, url: place.url });
    const unhandled = [];
    const listen = (reason) => unhandled.push(reason);
    process.on('unhandledRejection', listen);
    t.after(() => process.off('unhandledRejection', listen));
    follower.lead(() => {});
    await follower.stop();
    await sleep(50);
    assert.deepEqual(unhandled, []);
  });
});
