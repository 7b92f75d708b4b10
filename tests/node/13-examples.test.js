'use strict';
// The programs in examples/node run as they stand.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { onMedium } = require('./support/media.js');
const { runFile } = require('./support/child.js');

onMedium('local', (place) => {
  it('leader.js works, and a second one takes over', async (t) => {
    const environment = { INTERREX_URL: place.url };
    const first = runFile(t, 'examples/node/leader.js', environment);
    await first.line('leading, term');
    await first.line('the singular work');
    const second = runFile(t, 'examples/node/leader.js', environment);
    await second.line(''); // it knows who leads
    assert.ok(!second.lines.some((line) => line.startsWith('leading')));
    first.kill('SIGTERM');
    assert.deepEqual((await first.ended()).code, 0);
    assert.ok(first.lines.includes('no longer the leader: stopped'));
    await second.line('leading, term');
    second.kill('SIGINT');
    assert.equal((await second.ended()).code, 0);
  });

  it('lead.mjs does its job', async (t) => {
    const child = runFile(t, 'examples/node/lead.mjs', { INTERREX_URL: place.url });
    assert.equal(await child.line('the sum is'), '55');
    assert.equal((await child.ended()).code, 0);
  });

  it('shards.mjs deals out among who is there', async (t) => {
    const environment = { INTERREX_URL: place.url };
    const first = runFile(t, 'examples/node/shards.mjs', environment);
    await first.line('mine: a b c d e f');
    const second = runFile(t, 'examples/node/shards.mjs', environment);
    await second.line('mine: b d f');
    assert.equal(await first.line(`${second.pid} works at`), 'b d f');
    await first.line('mine: a c e');
    first.kill('SIGTERM');
    assert.equal((await first.ended()).code, 0);
    await second.line('mine: a b c d e f');
    second.kill('SIGTERM');
    assert.equal((await second.ended()).code, 0);
  });
});
