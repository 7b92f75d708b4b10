'use strict';
// How a process ends, and how soon the next one knows.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { freshName, started, until } = require('./support/elections.js');
const { onEveryMedium, onSharedMedia } = require('./support/media.js');
const { run } = require('./support/child.js');

// A time-out so long that only a release, or the end of a presence, can explain a succession.
const patient = { heartbeat: 1000, timeout: 60_000 };
// Under `safe` the first leadership of a record waits for as long: short enough to wait for.
const safe = { heartbeat: 1000, timeout: 3000, takeover: 'safe' };

onSharedMedia((place, medium) => {
  const ends = {
    'process.exit()': 'process.exit(3)',
    'an uncaught error': 'throw new Error("uncaught")',
    'a natural end': 'for (const election of elections) election.unref()',
    'stop() on SIGTERM': 'process.kill(process.pid, "SIGTERM")',
  };
  // Each waits long for its own first leadership: side by side.
  describe('the end of a process', { concurrency: true }, () => {
    for (const [how, end] of Object.entries(ends)) {
      // Without presence nothing but a release can end the term.
      for (const takeover of medium === 'local' ? ['fast'] : ['safe', 'fast']) {
        it(`${how} while leading releases (takeover ${takeover})`, async (t) => {
          const options = { ...(takeover === 'safe' ? safe : patient), url: place.url };
          const names = [freshName(), freshName(), freshName()];
          const child = run(
            t,
            `const { Election } = require('interrex');
             const elections = settings.names.map((name) => new Election({ ...settings.options, name }));
             process.once('SIGTERM', () => Promise.all(elections.map((e) => e.stop())).then(() => console.log('stopped')));
             Promise.all(elections.map((e) => e.start().then(() => e.whenLeader()))).then(() => {
               console.log('leading');
             });
             process.once('SIGUSR2', () => { ${end}; });`,
            { names, options },
          );
          await child.line('leading');
          const mine = await Promise.all(names.map((name) => started(t, { ...options, name })));
          assert.ok(mine.every((election) => !election.isLeader()));
          child.kill('SIGUSR2');
          const { code, signal, errors } = await child.ended();
          assert.equal(signal, null, errors);
          const expected = { 'process.exit()': 3, 'an uncaught error': 1 }[how] ?? 0;
          assert.equal(code, expected, errors);
          await until(() => mine.every((election) => election.isLeader()), 'all are succeeded');
          if (takeover === 'safe') {
            // Nobody's presence counts and nobody waited for a deadline: the record was given back.
            for (const election of mine) assert.match(election.history().join(), /claims: vacant/);
          }
        });
      }
    }
  });
});

onEveryMedium((place) => {
  it('exits while starting, leading, draining and stopping are clean', async (t) => {
    for (const when of [
      'election.start(); process.exit(0);',
      'election.start().then(() => process.exit(0));',
      'election.start(); election.whenLeader().then(() => process.exit(0));',
      'election.start(); election.lead(() => new Promise(() => process.exit(0)));',
      'election.start(); election.whenLeader().then(() => { election.resign(); process.exit(0); });',
      'election.start(); election.whenLeader().then(() => { election.stop(); process.exit(0); });',
      'election.start(); election.on("role", () => process.exit(0));',
    ]) {
      const child = run(
        t,
        `const { Election } = require('interrex');
         const election = new Election(settings);
         process.on('exit', () => console.log(election.isLeader(), election.role, election.members().length));
         ${when}`,
        { name: freshName(), url: place.url },
      );
      const { code, signal, errors, lines } = await child.ended();
      assert.equal(signal, null, `${when} ${errors}`);
      assert.equal(code, 0, `${when} ${errors}`);
      // Listeners of our own kind run after the elections were closed: every question has the answer no.
      assert.deepEqual(lines, ['false stopped 0'], when);
    }
  });
});
