'use strict';
// whenLeader: at once, later, never, or taken back.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { freshName, leading, open, started } = require('./support/elections.js');
const { onEveryMedium } = require('./support/media.js');

const code = (word) => (error) => error.code === word;

onEveryMedium((place) => {
  it('resolves with the same leadership for everyone who asks', async (t) => {
    const election = open(t, { name: freshName(), url: place.url });
    election.start();
    const early = [election.whenLeader(), election.whenLeader()];
    const leaderships = await Promise.all([...early, election.whenLeader()]);
    const late = await election.whenLeader();
    for (const leadership of leaderships) assert.equal(leadership, late);
    assert.equal(late.check(), true);
    assert.equal(late.signal.aborted, false);
    assert.equal(late.draining.aborted, false);
    assert.throws(() => (late.token.term = 1), TypeError);
  });

  it('is rejected with the reason of the signal', async (t) => {
    const name = freshName();
    await leading(t, { name, url: place.url });
    const follower = await started(t, { name, url: place.url });
    const reason = new Error('enough');
    await assert.rejects(follower.whenLeader({ signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const waiting = follower.whenLeader({ signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(waiting, reason);
    await assert.rejects(follower.whenLeader({ signal: AbortSignal.timeout(20) }), {
      name: 'TimeoutError',
    });
  });

  it('is rejected where the election is stopped', async (t) => {
    const name = freshName();
    await leading(t, { name, url: place.url });
    const follower = open(t, { name, url: place.url });
    await assert.rejects(follower.whenLeader(), code('STOPPED'));
    await follower.start();
    const waiting = follower.whenLeader();
    await Promise.all([assert.rejects(waiting, code('STOPPED')), follower.stop()]);
    await assert.rejects(follower.whenLeader(), code('STOPPED'));
  });

  it('waits for the next leadership while one is being given up', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url });
    const old = await election.whenLeader();
    const resigned = election.resign();
    const young = await election.whenLeader();
    await resigned;
    assert.ok(young.term > old.term);
  });
});
