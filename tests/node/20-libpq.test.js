'use strict';
// libpq inside Node: TLS by an OpenSSL beside Node's own, passwords, threads, the end of a process, and a machine that
// has no libpq.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { run } = require('./support/child.js');
const { freshName, leading, open } = require('./support/elections.js');
const { trouble, withServer } = require('./support/postgres.js');

describe('TLS inside Node, which has an OpenSSL of its own', () => {
  const place = withServer({ secure: true });

  it('asks for the name of the server, its authority, and the password', async (t) => {
    await leading(t, { name: freshName(), url: place.server.url, label: 'mine' });
    assert.equal(
      await place.server.say(
        `SELECT bool_and(ssl), count(*) > 1 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
         WHERE client_addr IS NOT NULL`,
      ),
      't|t',
    );
    const strangers = {
      AUTH: place.server.url.replace('secret@', 'not-the-secret@'),
      UNREACHABLE: place.server.url.replace('localhost', '127.0.0.1'),
    };
    for (const [code, url] of Object.entries(strangers)) {
      const election = open(t, { name: freshName(), url });
      election.start();
      const error = await trouble(election);
      assert.equal(error.code, code, error.message);
      assert.doesNotMatch(error.message, /secret/);
      await election.stop();
    }
  });

  // Where both happen to be of one version, as on many a machine of a developer, nothing else would show it.
  it('is done by the OpenSSL that libpq was built for, not by that of Node', async (t) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'interrex-bindings-'));
    t.after(() => fs.rmSync(directory, { recursive: true }));
    const child = run(
      t,
      `const { Election } = require('interrex');
       const election = new Election(settings);
       election.start().then(() => election.stop());`,
      { name: freshName(), url: place.server.url },
      [],
      { LD_DEBUG: 'bindings', LD_DEBUG_OUTPUT: path.join(directory, 'of') },
    );
    const { code, errors } = await child.ended();
    assert.equal(code, 0, errors);
    const bindings = fs
      .readdirSync(directory)
      .flatMap((file) => fs.readFileSync(path.join(directory, file), 'utf8').split('\n'))
      .map((line) => /file (\S+) \[\d+\] to (\S+) .*symbol `(.+?)'/.exec(line) ?? [])
      .filter(([, from]) => /lib(pq|ssl|crypto)\.[^/]+$/.test(from));
    const of = (name) => bindings.filter(([, , , symbol]) => symbol === name).map(([, , to]) => to);
    assert.ok(of('SSL_new').length > 0, 'the loader tells what it binds');
    for (const to of of('SSL_new')) assert.match(to, /libssl/);
    const strange = bindings.filter(
      ([, , to]) => path.basename(to) === path.basename(process.execPath),
    );
    assert.deepEqual(strange, []);
  });

  it('goes on beside the TLS of Node, hundreds of times, in several threads', async (t) => {
    const child = run(
      t,
      `const { Worker, isMainThread, workerData, parentPort } = require('node:worker_threads');
       const crypto = require('node:crypto');
       const { Election } = require('interrex');
       // A machine under load may be late.
       const tell = ({ message }) => / within [0-9]+ s | in time/.test(message) || console.error(message);
       async function connect(rounds, of) {
         for (let i = 0; i < rounds; i++) {
           const elections = [0, 1, 2].map((n) => new Election({ name: of + n, timeout: 10_000, url: settings.url }));
           for (const election of elections) election.on('error', tell);
           await Promise.all(elections.map((election) => election.start()));
           crypto.createHash('sha256').update(crypto.randomBytes(64)).digest();
           crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
           await Promise.all(elections.map((election) => election.stop()));
         }
       }
       const source = 'const settings = ' + JSON.stringify(settings) +
         '; const { Election } = require("interrex"); const crypto = require("node:crypto");' +
         'const tell = ' + tell + '; ' + connect + '; connect(settings.rounds, "worker").then(() => process.exit(0));';
       const workers = [0, 1].map(() => new Promise((resolve, reject) => {
         new Worker(source, { eval: true }).once('exit', resolve).once('error', reject);
       }));
       Promise.all([connect(settings.rounds, 'main'), ...workers]).then(() => {
         console.log('done');
         process.exit(0);
       });`,
      { url: place.server.url, rounds: 25 },
    );
    await child.line('done');
    const { code, signal, errors } = await child.ended();
    assert.deepEqual({ code, signal, errors }, { code: 0, signal: null, errors: '' });
  });

  it('ends with the process, while leading and while connecting', async (t) => {
    for (const when of ['start()', 'start().then(() => election.whenLeader())']) {
      for (let i = 0; i < 10; i++) {
        const child = run(
          t,
          `const { Election } = require('interrex');
           const election = new Election(settings);
           Promise.race([election.${when}, new Promise((r) => setTimeout(r, ${i * 10}))])
             .then(() => process.exit(0));`,
          { name: freshName(), timeout: 60_000, url: place.server.url },
        );
        const { code, signal, errors } = await child.ended();
        assert.deepEqual({ code, signal, errors }, { code: 0, signal: null, errors: '' });
      }
    }
  });
});

it('a machine without libpq has every other medium, and is told which package it lacks', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'interrex-no-libpq-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  // The loader looks here first, finds no library, and looks no further.
  fs.writeFileSync(path.join(directory, 'libpq.so.5'), '');
  const child = run(
    t,
    `const { Election } = require('interrex');
     const told = new Election({ name: 'x', url: 'local://' + settings.directory + '/local' });
     told.start().then(() => told.whenLeader()).then(() => told.stop()).then(() => console.log('local leads'));
     const tell = (error) => console.log('postgres', error.code, error.message);
     try {
       const refused = new Election({ name: 'x', url: 'postgres://localhost/x' });
       refused.on('error', () => {});
       refused.start().catch(tell);
     } catch (error) {
       tell(error);
     }`,
    { directory },
    [],
    { LD_LIBRARY_PATH: directory },
  );
  assert.match(await child.line('postgres'), /^UNSUPPORTED .*libpq5/);
  await child.line('local leads');
  assert.equal((await child.ended()).code, 0);
});
