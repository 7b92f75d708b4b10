'use strict';
// Worker threads open elections of their own; one that ends, whichever way, leaves nothing behind.

const assert = require('node:assert/strict');
const path = require('node:path');
const { it } = require('node:test');
const { Worker } = require('node:worker_threads');
const { freshName, next, started, until } = require('./support/elections.js');
const { onEveryMedium } = require('./support/media.js');

const entry = JSON.stringify(path.join(__dirname, '..', '..', 'bindings', 'node', 'index.js'));

function work(t, settings, source) {
  const worker = new Worker(
    `const { Election } = require(${entry});
     const { parentPort, workerData: settings } = require('node:worker_threads');
     const election = new Election(settings);
     ${source}`,
    { eval: true, workerData: settings },
  );
  t.after(() => worker.terminate());
  return worker;
}

const LEAD = `election.on('elected', ({ term }) => parentPort.postMessage(term)); election.start();`;
// Long enough that only a release, or the end of a presence, can explain a succession.
const patient = { heartbeat: 1000, timeout: 60_000 };

onEveryMedium((place) => {
  it('members in several threads contend like others', async (t) => {
    const name = freshName();
    const worker = work(t, { name, url: place.url, label: 'worker' }, LEAD);
    await next(worker, 'message');
    const mine = await started(t, { name, url: place.url });
    await until(() => mine.leader?.label === 'worker', 'the worker leads');
    assert.equal(mine.isLeader(), false);
  });

  for (const [how, source, end] of [
    ['terminate()', LEAD, (worker) => worker.terminate()],
    [
      'process.exit() in it',
      `${LEAD} parentPort.once('message', () => process.exit(0));`,
      (w) => w.postMessage(0),
    ],
    [
      'an error in it',
      `${LEAD} parentPort.once('message', () => { throw new Error('x'); });`,
      (w) => w.postMessage(0),
    ],
  ]) {
    it(`a worker ended by ${how} while leading is succeeded`, async (t) => {
      const name = freshName();
      const worker = work(t, { ...patient, name, url: place.url }, source);
      worker.on('error', () => {});
      const [term] = await next(worker, 'message');
      const mine = await started(t, { ...patient, name, url: place.url });
      assert.equal(mine.isLeader(), false);
      await end(worker);
      await mine.whenLeader();
      assert.ok(mine.term > term);
    });
  }

  it('workers come and go in any state', async (t) => {
    const name = freshName();
    const sources = [
      '',
      'parentPort.postMessage(0);',
      'election.start(); parentPort.postMessage(0);',
      'election.start(); election.stop(); parentPort.postMessage(0);',
      `${LEAD} election.lead(() => new Promise(() => {}));`,
      `election.on('elected', () => {
         for (let i = 0; i < 50; i++) {
           election.publish(i);
           election.send('all', i);
           election.setMeta(i);
         }
         parentPort.postMessage(0);
       });
       election.start();`,
    ];
    for (const source of [...sources, ...sources]) {
      const worker = work(
        t,
        { name: `${name}-${sources.indexOf(source)}`, url: place.url },
        source,
      );
      const gone = new Promise((resolve) => worker.once('exit', resolve));
      await Promise.race([next(worker, 'message').catch(() => {}), gone]);
      await worker.terminate();
    }
  });
});
