'use strict';
// Leadership has two ends: it is given up (draining), then over; a loss is both at once.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { acquainted, freshName, leading, next, started, until } = require('./support/elections.js');
const { onEveryMedium, onMedium } = require('./support/media.js');

onEveryMedium((place) => {
  describe('whoever gives up', { concurrency: true }, () => {
    for (const [how, reason] of [
      ['resign', 'resigned'],
      ['stop', 'stopped'],
      ['transfer', 'transferred'],
    ]) {
      it(`${how} waits for the work in progress`, async (t) => {
        const name = freshName();
        const options = { name, url: place.url, timeout: 1500 };
        const election = await leading(t, options);
        const successor = await started(t, options);
        await acquainted(election, successor);
        let finish;
        const work = new Promise((resolve) => (finish = resolve));
        let held;
        const led = election.lead((leadership) => {
          held = leadership;
          return work;
        });
        await until(() => held, 'the function runs');
        const end = how === 'transfer' ? election.transfer(successor.id) : election[how]();
        assert.equal(election.isLeader(), false);
        assert.equal(held.draining.aborted, true);
        assert.equal(held.draining.reason.reason, reason);
        await until(() => election.role === 'draining', 'it drains');
        await sleep(1700); // longer than the time-out: renewals go on
        assert.equal(held.check(), true);
        assert.equal(held.signal.aborted, false);
        assert.equal(successor.isLeader(), false);
        finish('finished');
        assert.equal(await led, 'finished');
        await end;
        assert.equal(held.signal.aborted, true);
        assert.equal(held.signal.reason.reason, reason);
        assert.equal(held.check(), false);
        await successor.whenLeader();
      });
    }
  });

  it('work that does not end is cut off at drainLimit', async (t) => {
    const name = freshName();
    const election = await leading(t, { name, url: place.url, drainLimit: 150 });
    const successor = await started(t, { name, url: place.url });
    await acquainted(election, successor);
    let held;
    const led = election.lead(async (leadership) => {
      held = leadership;
      await new Promise((resolve) => leadership.signal.addEventListener('abort', resolve));
    });
    led.catch(() => {});
    await until(() => held, 'the function runs');
    await election.resign();
    assert.equal(held.signal.aborted, true);
    assert.equal(held.check(), false);
    await successor.whenLeader();
  });

  it('without work there is nothing to wait for', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url, drainLimit: 60_000 });
    await election.resign();
    await election.whenLeader();
    await election.stop();
    assert.equal(election.role, 'stopped');
  });
});

onMedium('redis', (place) => {
  it('a loss ends both at once', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    const leadership = await election.whenLeader();
    const lost = next(election, 'defeated');
    // Redis ends the presence of a living leader: under `fast` that ends the term.
    await place.server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const [{ reason, term }] = await lost;
    assert.equal(reason, 'presence-lost');
    assert.equal(term, leadership.term);
    assert.equal(leadership.draining.aborted, true);
    assert.equal(leadership.signal.aborted, true);
    assert.equal(leadership.check(), false);
    await election.whenLeader();
  });
});
