'use strict';
// The event loop and leadership: what keeps it alive, and what its silence means.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { it } = require('node:test');
const {
  block,
  freshName,
  leading,
  namesOf,
  next,
  started,
  until,
} = require('./support/elections.js');
const { onEveryMedium, onSharedMedia } = require('./support/media.js');
const { run } = require('./support/child.js');

onEveryMedium((place) => {
  it('a loop blocked for longer than the time-out keeps its leadership', async (t) => {
    const name = freshName();
    const options = { name, url: place.url, timeout: 1500 };
    const election = await leading(t, options);
    const rival = await started(t, options);
    const { term } = election;
    block(2000);
    assert.equal(election.isLeader(), true);
    assert.equal(election.term, term);
    assert.equal(rival.isLeader(), false);
    assert.deepEqual(namesOf(election, 'defeated'), []);
  });

  it('past stallLimit it has stepped down, and contends again once alive', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url, stallLimit: 200 });
    const lost = next(election, 'defeated');
    const leadership = await election.whenLeader();
    block(1000);
    assert.equal(election.isLeader(), false);
    assert.equal(leadership.check(), false);
    const [{ reason }] = await lost;
    assert.equal(reason, 'host-stalled');
    await election.whenLeader();
  });

  it('an idle loop is not a stalled one', async (t) => {
    const election = await leading(t, { name: freshName(), url: place.url, stallLimit: 2000 });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    assert.deepEqual(namesOf(election, 'defeated'), []);
  });

  it('a started election keeps the process, until unref or stop', async (t) => {
    const program = (then) =>
      `const { Election } = require('interrex');
       const election = new Election(settings);
       ${then}`;
    const unstarted = run(t, program(''), { name: freshName(), url: place.url });
    assert.equal((await unstarted.ended()).code, 0);
    const unrefd = run(
      t,
      program(`election.start().then(async () => {
        await election.whenLeader();
        if (election.unref() === election) console.log('unref');
      });`),
      { name: freshName(), url: place.url },
    );
    assert.equal((await unrefd.ended()).code, 0);
    assert.deepEqual(unrefd.lines, ['unref']);
    const stopped = run(t, program('election.start(); setTimeout(() => election.stop(), 100);'), {
      name: freshName(),
      url: place.url,
    });
    assert.equal((await stopped.ended()).code, 0);
    const kept = run(
      t,
      program(`election.unref().ref();
        election.on('elected', () => console.log('elected'));
        election.start().then(() => console.log('started'));`),
      { name: freshName(), url: place.url },
    );
    // No timer, no socket, no promise of its own keeps this child: only the election does.
    await kept.line('elected');
    kept.kill('SIGTERM');
    assert.equal((await kept.ended()).signal, 'SIGTERM');
  });

  it('collected unless started', async (t) => {
    const child = run(
      t,
      `const { Election } = require('interrex');
       const { setTimeout: sleep } = require('node:timers/promises');
       let collected = 0;
       const registry = new FinalizationRegistry(() => collected++);
       const make = (i) => {
         const election = new Election({ ...settings, name: settings.name + i });
         registry.register(election, 0);
         return election;
       };
       (async () => {
         for (let i = 0; i < 20; i++) make(i);
         for (let i = 20; i < 25; i++) make(i).start();
         await (async () => { const e = make(25); await e.start(); await e.stop(); })();
         for (let i = 0; i < 50 && collected < 21; i++) { gc(); await sleep(20); }
         gc(); await sleep(20); gc(); await sleep(20);
         console.log('collected', collected);
         process.exit(0);
       })();`,
      { name: freshName(), url: place.url },
      ['--expose-gc'],
    );
    assert.equal(await child.line('collected'), '21');
    assert.equal((await child.ended()).code, 0);
  });
});

onSharedMedia((place) => {
  it('a blocked process is succeeded only past its stallLimit', async (t) => {
    const name = freshName();
    const over = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'interrex-block-')), 'over');
    t.after(() => fs.rmSync(path.dirname(over), { recursive: true }));
    const child = run(
      t,
      `const { Election } = require('interrex');
       const { existsSync } = require('node:fs');
       const { over, ...options } = settings;
       const election = new Election(options);
       election.on('elected', () => console.log('elected'));
       election.on('defeated', ({ reason }) => { console.log('defeated', reason); election.stop(); });
       election.start();
       process.on('SIGUSR2', () => {
         console.log('blocking');
         while (!existsSync(over)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
       });`,
      { over, name, url: place.url, stallLimit: 2500, heartbeat: 100, timeout: 1500 },
    );
    await child.line('elected');
    const mine = await started(t, { name, url: place.url, timeout: 1500 });
    const begun = performance.now();
    child.kill('SIGUSR2');
    await child.line('blocking');
    await until(() => mine.isLeader(), 'the successor leads');
    // The limit counts from the last sign of life, which may be older than the block by a second under load.
    const took = performance.now() - begun;
    assert.ok(took > 1000, `it took ${took} ms`);
    fs.writeFileSync(over, '');
    assert.equal(await child.line('defeated'), 'host-stalled');
    assert.equal((await child.ended()).code, 0);
  });
});
