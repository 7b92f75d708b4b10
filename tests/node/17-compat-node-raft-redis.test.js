'use strict';
// Candidate, where node-raft-redis was: what that package offers, in its order, and each of its known faults undone.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { InterrexError } = require('interrex');
const { Candidate } = require('interrex/compat/node-raft-redis');
const { candidateOn, cluster, freshKind } = require('./support/candidates.js');
const { run, runFile } = require('./support/child.js');
const { next, open, started, until } = require('./support/elections.js');
const { startProxy } = require('./support/proxy.js');
const { freePort, startRedis } = require('./support/redis.js');

const ID = /^[0-9a-f]{32}$/;
const CHILD = `const { Candidate } = require('interrex/compat/node-raft-redis');
const candidate = new Candidate(settings);
for (const event of ['elected', 'defeated', 'statechange', 'error'])
  candidate.on(event, (argument) => console.log(event, argument?.code ?? argument ?? ''));
candidate.start().then(() => console.log('started', candidate.id, candidate.state));`;

let server;
before(async () => (server = await startRedis()));
after(() => server.stop());

const at = (port = server.port) => ({ host: '127.0.0.1', port });
const told = (candidate, ...events) =>
  candidate.log.filter(([event]) => events.includes(event)).map((entry) => [...entry]);

describe('what it offers:', () => {
  it('one leader, of whom all know, and the order of events', async (t) => {
    const { leader, followers } = await cluster(t, server, 3);
    assert.match(leader.id, ID);
    assert.equal(leader.state, 'leader');
    assert.ok(Number.isSafeInteger(leader.currentTerm) && leader.currentTerm > 0);
    assert.deepEqual(told(leader, 'elected', 'defeated', 'statechange').slice(-2), [
      ['elected'],
      ['statechange', 'leader'],
    ]);
    assert.deepEqual(told(leader, 'defeated'), []);
    for (const follower of followers) {
      assert.equal(follower.state, 'follower');
      assert.equal(follower.currentTerm, leader.currentTerm);
      assert.deepEqual(told(follower, 'elected', 'defeated', 'statechange'), [
        ['statechange', 'candidate'],
        ['defeated', leader.id],
        ['statechange', 'follower'],
      ]);
    }
  });

  it('start resolves on the first role, again the same; before it, it is nobody', async (t) => {
    const candidate = candidateOn(t, server, { kind: freshKind() });
    assert.equal(candidate.id, '');
    assert.equal(candidate.state, 'follower');
    assert.equal(candidate.currentTerm, 0);
    assert.deepEqual(await candidate.getInstances(), []);
    assert.equal(await candidate.getLeader(), undefined);
    const start = candidate.start();
    assert.equal(candidate.start(), start);
    await start;
    assert.equal(candidate.state, 'leader');
    assert.equal(candidate.start(), start);
  });

  it('instances, the leader and what they say of themselves', async (t) => {
    const kind = freshKind();
    const first = candidateOn(t, server, { kind, meta: { some: 1 } });
    await first.start();
    const second = candidateOn(t, server, { kind });
    await second.start();
    const byId = (a, b) => (a.id < b.id ? -1 : 1);
    const expected = [
      { id: first.id, meta: { some: 1 }, state: 'leader' },
      { id: second.id, meta: '', state: 'follower' },
    ].sort(byId);
    for (const candidate of [first, second]) {
      await until(
        async () => (await candidate.getInstances()).length === 2,
        'both are seen, self included',
      );
      assert.deepEqual((await candidate.getInstances()).sort(byId), expected);
      assert.deepEqual(await candidate.getLeader(), {
        id: first.id,
        meta: { some: 1 },
        state: 'leader',
      });
    }
    assert.deepEqual(first.meta, { some: 1 });
    assert.deepEqual(await first.getMeta(), { some: 1 });
    assert.equal(second.getMeta(), '');
    await second.setMeta({ other: [2] });
    assert.deepEqual(second.meta, { other: [2] });
    await until(
      async () => (await first.getInstances()).some(({ meta }) => meta.other?.[0] === 2),
      'the first sees it',
    );
  });

  it('reelect, also as stepdown: elected again or defeated by the winner', async (t) => {
    const { leader, followers } = await cluster(t, server, 2);
    const [follower] = followers;
    leader.log.length = 0;
    const won = next(follower, 'elected');
    const lost = next(leader, 'defeated');
    await leader.reelect();
    assert.notEqual(leader.state, 'leader');
    await won;
    assert.deepEqual(await lost, [follower.id]);
    await until(() => leader.state === 'follower', 'it follows');
    assert.deepEqual(told(leader, 'elected', 'defeated', 'statechange'), [
      ['statechange', 'candidate'],
      ['defeated', follower.id],
      ['statechange', 'follower'],
    ]);
    await leader.reelect(); // not the leader: nothing happens
    assert.equal(follower.state, 'leader');
    // Both rest by now, so that either may be the next.
    const one = Promise.race([next(leader, 'elected'), next(follower, 'elected')]);
    const { currentTerm } = follower;
    await follower.stepdown();
    await one;
    const states = () => [leader.state, follower.state].sort();
    await until(() => states().join() === 'follower,leader', 'one leads, one follows');
    const winner = leader.state === 'leader' ? leader : follower;
    assert.ok(winner.currentTerm > currentTerm);

    const alone = candidateOn(t, server, { kind: freshKind() });
    await alone.start();
    const again = next(alone, 'elected');
    await alone.reelect();
    await again;
    assert.equal(alone.state, 'leader');
    assert.deepEqual(told(alone, 'defeated'), []);
  });

  it('messages to followers, leader, one, all; never to oneself', async (t) => {
    const { leader, followers, all } = await cluster(t, server, 3);
    const [first, second] = followers;
    await leader.messageFollowers('to followers');
    await leader.messageLeader('to myself');
    await leader.messageAll({ to: 'all' });
    await leader.messageTo(first.id, ['to', 'first']);
    await leader.messageTo(leader.id, 'to myself');
    await first.messageLeader('to leader');
    await first.messageAll('to all');
    await first.messageTo(leader.id, 'to one');
    await first.messageFollowers('to followers');
    for (const sender of [leader, first]) await sender.messageAll('end');
    await until(
      () =>
        all.every(
          (candidate) =>
            candidate.log.filter(([event, data]) => event === 'message' && data.message === 'end')
              .length === (candidate === second ? 2 : 1),
        ),
      'everything arrived',
    );
    const received = (candidate, sender) =>
      candidate.log
        .filter(([event, data]) => event.startsWith('message') && data.from === sender.id)
        .map(([event, { message }]) => [event.replace('message', ''), message])
        .filter(([, message]) => message !== 'end');
    assert.deepEqual(received(leader, first), [
      ['', 'to leader'],
      [':from:follower', 'to leader'],
      ['', 'to all'],
      ['', 'to one'],
      [':from:follower', 'to one'],
    ]);
    assert.deepEqual(received(leader, leader), []);
    assert.deepEqual(received(first, leader), [
      ['', 'to followers'],
      [':from:leader', 'to followers'],
      ['', { to: 'all' }],
      [':from:leader', { to: 'all' }],
      ['', ['to', 'first']],
      [':from:leader', ['to', 'first']],
    ]);
    assert.deepEqual(received(first, first), []);
    assert.deepEqual(received(second, first), [
      ['', 'to all'],
      ['', 'to followers'],
    ]);
  });

  it('that nobody gets a message is no error; that it can be none, is', async (t) => {
    const { leader, followers } = await cluster(t, server, 2);
    await leader.messageTo('rqcpc6g0ncgi3mxtysyv1', 'an id of the old package');
    await leader.messageTo('0'.repeat(31) + '1', 'nobody');
    await leader.messageTo(undefined, 'nobody');
    const fresh = candidateOn(t, server, { kind: freshKind() });
    await fresh.messageAll('not started');
    await assert.rejects(leader.messageAll(1n), TypeError);
    await assert.rejects(leader.messageAll('x'.repeat(65536)), { code: 'TOO_LARGE' });
    const got = next(followers[0], 'message');
    await leader.messageFollowers(undefined);
    assert.deepEqual(await got, [{ message: undefined, from: leader.id }]);
  });

  it('a server by URL, the default kind, and refusals', async (t) => {
    const candidate = new Candidate({ redis: { url: server.url } });
    t.after(() => candidate.stop());
    await candidate.start();
    assert.equal(candidate.state, 'leader');
    const same = new Candidate({ redis: { ...at(), url: undefined }, kind: '' });
    t.after(() => same.stop());
    await same.start();
    assert.equal(same.state, 'follower');
    const config = (message) => (error) =>
      error instanceof InterrexError && error.code === 'CONFIG' && message.test(error.message);
    assert.throws(() => new Candidate(), config(/the options must be an object/));
    assert.throws(() => new Candidate({}), config(/redis/));
    assert.throws(() => new Candidate({ redis: at(), kin: 'a' }), config(/kin is not an option/));
    assert.throws(() => new Candidate({ redis: at(), kind: 7 }), config(/kind must be a string/));
    assert.throws(() => new Candidate({ redis: { url: undefined } }), config(/url is undefined/));
    assert.throws(() => new Candidate({ redis: { host: undefined } }), config(/host is undefined/));
    assert.throws(() => new Candidate({ redis: at(), meta: () => 1 }), config(/meta/));
  });

  it('candidate: false takes part without ever leading', async (t) => {
    const kind = freshKind();
    const observer = candidateOn(t, server, { kind, candidate: false });
    await observer.start();
    assert.equal(observer.state, 'follower');
    assert.equal(await observer.getLeader(), undefined);
    const leader = candidateOn(t, server, { kind });
    await leader.start();
    await until(async () => (await observer.getLeader())?.id === leader.id, 'it sees the leader');
    const message = next(leader, 'message:from:follower');
    await observer.messageLeader('hello');
    assert.equal((await message)[0].from, observer.id);
    await leader.stop();
    await until(async () => (await observer.getLeader()) === undefined, 'nobody leads');
    assert.deepEqual(told(observer, 'elected', 'defeated'), []);
  });

  it('is a member of an election of protocol quorum, and of no other', async (t) => {
    const kind = freshKind();
    const candidate = candidateOn(t, server, { kind });
    await candidate.start();
    const name = `node-raft-redis:${kind}`;
    const beside = await started(t, { name, url: server.url, protocol: 'quorum' });
    await until(async () => (await candidate.getInstances()).length === 2, 'it sees the other');
    assert.equal(candidate.election.token.term, beside.leader.term);
    // What is not from a Candidate has none of its words.
    await beside.send('all', 'no envelope');
    await beside.send('all', { to: 'all', message: 'an envelope' });
    await until(() => told(candidate, 'message').length > 0, 'it got one');
    assert.deepEqual(told(candidate, 'message'), [
      ['message', { message: 'an envelope', from: beside.id }],
    ]);
    const other = open(t, { name, url: server.url, protocol: 'lease' });
    const refused = next(other, 'error');
    other.start();
    assert.equal((await refused)[0].code, 'MISMATCH');
  });

  it('a listener that throws keeps no other event from being told', async (t) => {
    const child = run(
      t,
      `process.on('uncaughtException', ({ message }) => console.log('uncaught', message));
       const { Candidate } = require('interrex/compat/node-raft-redis');
       const candidate = new Candidate(settings);
       candidate.on('elected', () => { throw new Error('mine'); });
       candidate.on('statechange', (state) => console.log('state', state));
       candidate.start().then(() => candidate.stop());`,
      { redis: at(), kind: freshKind() },
    );
    assert.equal((await child.ended()).code, 0);
    assert.ok(child.lines.includes('uncaught mine'), child.lines.join());
    assert.ok(child.lines.includes('state leader'), child.lines.join());
  });
});

describe('faults undone:', () => {
  it('no votes pile up: one leader a term, one at a time, through many re-elections', async (t) => {
    const { all } = await cluster(t, server, 5);
    const wins = [];
    for (const candidate of all)
      candidate.on('elected', () => wins.push(candidate.election.token?.term));
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, all.filter(({ state }) => state === 'leader').length);
    }, 1);
    t.after(() => clearInterval(watch));
    for (let round = 1; round <= 10; round++) {
      await all.find(({ state }) => state === 'leader').reelect();
      await until(() => wins.length >= round, 'somebody is elected');
      await until(() => all.some(({ state }) => state === 'leader'), 'and leads');
    }
    assert.equal(new Set(wins).size, wins.length, `a term twice: ${wins}`);
    assert.deepEqual(
      wins,
      wins.toSorted((a, b) => a - b),
    );
    assert.equal(most, 1);
  });

  it('a leader that is cut off is none any more when the next one is elected', async (t) => {
    const kind = freshKind();
    const proxy = await startProxy(t, server.port);
    const child = run(
      t,
      `process.on('unhandledRejection', () => console.log('unhandled'));
       ${CHILD}
       let last;
       setInterval(() => candidate.state === 'leader' && (last = Date.now()), 1);
       candidate.on('defeated', () => console.log('last', last));
       process.on('SIGTERM', () => candidate.stop().then(() => process.exit()));`,
      { redis: at(proxy.port), kind },
    );
    await child.line('elected');
    const successor = candidateOn(t, server, { kind });
    await successor.start();
    assert.equal(successor.state, 'follower');
    const elected = next(successor, 'elected');
    proxy.silence();
    await elected;
    const electedAt = Date.now();
    const last = Number(await child.line('last'));
    assert.ok(last <= electedAt, `it led ${last - electedAt} ms too long`);
    // It lives on as a follower, without an unhandled rejection.
    await sleep(1000);
    assert.equal(child.lines.filter((line) => line === 'statechange leader').length, 1);
    assert.ok(!child.lines.includes('unhandled'));
    child.kill('SIGTERM');
    assert.equal((await child.ended()).code, 0);
  });

  it('an unreachable store is an error event, or a warning, and never the end', async (t) => {
    const port = await freePort();
    const listening = candidateOn(t, { port }, { kind: freshKind() });
    const error = next(listening, 'error');
    listening.start();
    assert.equal((await error)[0].code, 'UNREACHABLE');
    await listening.stop();
    const child = run(
      t,
      `const { Candidate } = require('interrex/compat/node-raft-redis');
       const candidate = new Candidate(settings);
       process.on('warning', ({ code }) => {
         console.log('warning', code);
         candidate.stop().then(() => console.log('stopped', candidate.state));
       });
       candidate.start();`,
      { redis: at(port), kind: freshKind() },
    );
    assert.equal(await child.line('warning'), 'UNREACHABLE');
    assert.equal(await child.line('stopped'), 'follower');
    assert.equal((await child.ended()).code, 0);
  });

  /** False where the leader ended by its own deadline, as one does that stood still with its machine. */
  async function isLeftAlone(t) {
    const { kind, leader } = await cluster(t, server, 2);
    let reason;
    leader.election.on('defeated', (defeat) => (reason ??= defeat.reason));
    const child = run(
      t,
      `const now = Date.now;
       Date.now = () => now() + 3000;
       ${CHILD}
       setInterval(async () => console.log('sees', (await candidate.getInstances()).length), 100);`,
      { redis: at(), kind },
    );
    await child.line('started');
    await child.line('sees 3');
    await sleep(2000); // longer than the time-out
    if (reason === 'expired' || reason === 'cut-off') return false;
    assert.match(await child.line('started'), /follower$/);
    assert.equal(reason, undefined);
    assert.equal(leader.state, 'leader');
    assert.deepEqual(told(leader, 'defeated'), []);
    assert.equal((await leader.getInstances()).length, 3);
    assert.ok(!child.lines.includes('elected'));
    assert.equal(child.lines.at(-1), 'sees 3');
    return true;
  }

  it('a clock that is 3 s ahead deposes nobody and declares nobody dead', async (t) => {
    for (let attempt = 1; !(await isLeftAlone(t)); attempt++)
      assert.ok(attempt < 5, 'its leader never keeps its leadership');
  });

  it('stop resigns, ends as a follower, and is legal at any time', async (t) => {
    const { leader, followers } = await cluster(t, server, 2);
    const begun = performance.now();
    const elected = next(followers[0], 'elected');
    await leader.stop();
    assert.equal(leader.state, 'follower');
    await elected;
    // Sooner than the time-out, which only being told explains.
    assert.ok(performance.now() - begun < 1500, 'the successor was told');
    assert.deepEqual(told(leader, 'defeated', 'statechange').slice(-2), [
      ['defeated', undefined],
      ['statechange', 'follower'],
    ]);
    await leader.stop();
    const fresh = candidateOn(t, server, { kind: freshKind() });
    await fresh.stop();
    const start = fresh.start();
    await fresh.stop();
    await assert.rejects(start, { code: 'STOPPED' });
    assert.equal(fresh.state, 'follower');
    assert.deepEqual(told(fresh, 'elected', 'defeated', 'error'), []);
  });

  it('stop is legal, too, while the server is gone', async (t) => {
    const other = await startRedis();
    t.after(() => other.stop());
    const candidate = candidateOn(t, other, { kind: freshKind() });
    await candidate.start();
    await other.kill();
    await candidate.stop();
    assert.equal(candidate.state, 'follower');
    assert.deepEqual(told(candidate, 'elected', 'defeated').at(-1), ['defeated', undefined]);
  });

  it('a follower that was stopped and started again misses no message', async (t) => {
    const { leader, followers } = await cluster(t, server, 2);
    const [follower] = followers;
    const { id } = follower;
    await follower.stop();
    await follower.start();
    assert.notEqual(follower.id, id);
    await until(() => leader.election.members().length === 2, 'the leader sees it again');
    follower.log.length = 0;
    await leader.messageFollowers('one');
    await leader.messageAll('two');
    await leader.messageTo(follower.id, 'three');
    await until(() => told(follower, 'message').length === 3, 'all three arrived');
    assert.deepEqual(
      told(follower, 'message:from:leader').map(([, { message }]) => message),
      ['one', 'two', 'three'],
    );
  });

  it('no KEYS, no SCAN, and few commands', async (t) => {
    const other = await startRedis();
    t.after(() => other.stop());
    const { all } = await cluster(t, other, 3);
    await other.command('CONFIG', 'RESETSTAT');
    const begun = performance.now();
    await sleep(2000);
    for (const candidate of all) await candidate.getInstances();
    const stats = await other.command('INFO', 'commandstats');
    const seconds = (performance.now() - begun) / 1000;
    assert.doesNotMatch(stats, /cmdstat_(keys|scan|get):/);
    assert.match(stats, /cmdstat_evalsha/);
    const calls = [...stats.matchAll(/calls=(\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0);
    // It is 38, those that scripts call included.
    const rate = calls / seconds / all.length;
    assert.ok(rate > 5 && rate < 50, `${rate} commands per second and candidate: ${stats}`);
  });

  it("':' in a kind breaks nothing, and keeps kinds apart", async (t) => {
    const kind = `${freshKind()}:a:b`;
    const { leader, followers } = await cluster(t, server, 2, { kind });
    const other = candidateOn(t, server, { kind: kind.slice(0, kind.indexOf(':')) });
    await other.start();
    assert.equal(other.state, 'leader');
    const instances = await leader.getInstances();
    assert.equal(instances.length, 2);
    for (const { id } of instances) assert.match(id, ID);
    const got = next(followers[0], 'message:from:leader');
    await leader.messageTo(followers[0].id, 'by id');
    assert.deepEqual(await got, [{ message: 'by id', from: leader.id }]);
  });

  it('a leader that is killed is succeeded at once', async (t) => {
    const kind = freshKind();
    const child = run(t, CHILD, { redis: at(), kind });
    await child.line('elected');
    const id = (await child.line('started')).slice(0, 32);
    const successor = candidateOn(t, server, { kind });
    await successor.start();
    assert.deepEqual(told(successor, 'defeated'), [['defeated', id]]);
    const elected = next(successor, 'elected');
    const begun = performance.now();
    child.kill('SIGKILL');
    await elected;
    const took = performance.now() - begun;
    assert.ok(took < 1500, `it took ${took} ms: not sooner than the time-out`);
    await until(
      async () => (await successor.getInstances()).length === 1,
      'the dead one is no instance any more',
    );
  });
});

describe('beside the old package:', () => {
  // Only the question for the old package goes by node:net. Once it is answered there is time for a warning.
  const WARN = `process.on('warning', ({ code, message }) => console.log('warning', code, message));
const net = require('node:net');
const { connect } = net;
let answer = '';
net.connect = (...args) =>
  connect(...args)
    .on('data', (data) => (answer += data))
    .on('close', () => {
      console.log('answer', JSON.stringify(answer));
      setTimeout(() => candidate.start().then(() => candidate.stop()), 50);
    });
${CHILD}`;

  /** An instance of the old package, as far as the server sees it: somebody on its channel. */
  async function oldInstance(t, port, kind, password) {
    const socket = net.connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    if (password) socket.write(`AUTH ${password}\r\n`);
    socket.write(`SUBSCRIBE consensus-events:${kind}\r\n`);
    let reply = '';
    socket.on('data', (data) => (reply += data));
    await until(() => reply.includes(':1\r\n'), 'it listens');
  }

  it('it warns where its channel is in use', async (t) => {
    const kind = freshKind();
    await oldInstance(t, server.port, kind);
    const child = run(t, WARN, { redis: at(), kind });
    const warning = await child.line('warning');
    assert.match(warning, new RegExp(`^INTERREX_NODE_RAFT_REDIS .*consensus-events:${kind}`));
    assert.match(warning, /both elect a leader.*candidate: false.*docs\/migrating\.md/);
    assert.equal((await child.ended()).code, 0);
  });

  it('also with a password', async (t) => {
    const other = await startRedis({ password: 'a p@ss' });
    t.after(() => other.stop());
    const kind = freshKind();
    await oldInstance(t, other.port, kind, '"a p@ss"');
    const child = run(t, WARN, { redis: { url: other.url }, kind });
    assert.match(await child.line('warning'), /^INTERREX_NODE_RAFT_REDIS/);
    assert.equal((await child.ended()).code, 0);
  });

  it('it says nothing where it is not', async (t) => {
    await oldInstance(t, server.port, freshKind());
    const child = run(t, WARN, { redis: at(), kind: freshKind() });
    assert.equal((await child.ended()).code, 0);
    assert.match(await child.line('answer'), /:0\\r\\n\+OK/, 'it has asked');
    assert.ok(!child.lines.some((line) => line.startsWith('warning')), child.lines.join());
  });
});

describe("its page's programs, as they stand:", () => {
  // What they import is "./index", and their server is localhost:6379: both are put in the place of ours here.
  let directory;
  const index = (kind) => `
    const { Candidate: Ours } = require(${JSON.stringify(path.join(__dirname, '../../bindings/node/compat/node-raft-redis.js'))});
    exports.Candidate = class Candidate extends Ours {
      constructor({ redis, ...options }) {
        if (redis.host !== 'localhost' || redis.port !== 6379 || options.kind !== 'my-service')
          throw new Error('not the program of the page');
        super({ redis: { ...redis, port: ${server.port} }, ...options, kind: '${kind}' });
        process.on('SIGTERM', () => this.stop());
      }
    };`;

  /** Two processes of the program, the leader and its follower. */
  async function two(t, program) {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'interrex-page-'));
    t.after(() => fs.rmSync(directory, { recursive: true }));
    const kind = freshKind();
    fs.writeFileSync(path.join(directory, 'index'), index(kind));
    const file = path.join(directory, `${program}.mjs`);
    fs.copyFileSync(path.join(__dirname, 'support', 'pages', `${program}.txt`), file);
    return { kind, start: () => runFile(t, file, {}) };
  }

  it('usage', async (t) => {
    const { start } = await two(t, 'node-raft-redis-usage');
    const leader = start();
    await leader.line('elected');
    const follower = start();
    const leaderId = await follower.line('defeated by the new leader');
    assert.match(leaderId, ID);
    assert.match(await leader.line('Got message Hello from your new follower from'), ID);
    leader.kill('SIGTERM');
    assert.equal((await leader.ended()).code, 0);
    await follower.line('elected');
    follower.kill('SIGTERM');
    assert.equal((await follower.ended()).code, 0);
    for (const { errors } of [await leader.ended(), await follower.ended()])
      assert.equal(errors, '');
  });

  it('examples', async (t) => {
    const { kind, start } = await two(t, 'node-raft-redis-examples');
    const observer = candidateOn(t, server, { kind, candidate: false });
    await observer.start();
    const through = (count) =>
      until(
        async () =>
          (await observer.getInstances()).filter(({ meta }) => meta.someKey === 'someValue')
            .length === count,
        `${count} have set their meta`,
      );
    const leader = start();
    await through(1);
    const follower = start();
    const from = await leader.line('Got message Hello from follower from the follower instance');
    assert.match(from, ID);
    assert.match(await leader.line('Got message Hello from the follower instance'), ID);
    await through(2);
    const known = 'Got message Listening? from the follower instance';
    // Its meta is seen before it listens.
    await until(async () => {
      await observer.messageTo(from, 'Listening?');
      await sleep(100);
      return follower.lines.some((line) => line.startsWith(known));
    }, 'the follower got the message');
    assert.equal(await follower.line(known), observer.id);
    for (const child of [leader, follower]) {
      child.kill('SIGTERM');
      const { code, errors } = await child.ended();
      assert.equal(code, 0, errors);
      assert.equal(errors, '');
    }
  });
});
