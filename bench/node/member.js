'use strict';
// A bare Node process that takes part in elections and tells its parent what it sees and when: bench/member.c in Node.
//
//     node member.js URL NAME [ELECTIONS]
//
// PROTOCOL in the environment is the option. BALLAST_MB makes it as large as an application. It ends when its stdin does, and hands over on SIGTERM.

const { Election } = require('interrex');

const [url, name, count = '1'] = process.argv.slice(2);
const protocol = process.env.PROTOCOL;
const ballast = Buffer.alloc(Number(process.env.BALLAST_MB ?? 0) * 1024 * 1024, 1);
const say = (...words) => process.stdout.write(`@${words.join(' ')}\n`);
const now = () => process.hrtime.bigint(); // CLOCK_MONOTONIC

const elections = Array.from({ length: Number(count) }, (_, index) => {
  const election = new Election({ name: index === 0 ? name : `${name}.${index}`, url, protocol });
  election.on('elected', () => {
    const at = now();
    say(election.isLeader() ? 'leader' : 'elected-only', at, index);
  });
  election.on('defeated', ({ reason }) => say('defeated', now(), index, reason));
  for (const trouble of ['warning', 'error'])
    election.on(trouble, (error) => say('trouble', now(), error.message));
  return election;
});

process.on('SIGTERM', async () => {
  await Promise.all(elections.map((election) => election.stop()));
  process.exit(0);
});
process.stdin.on('data', (questions) => {
  for (const byte of questions) {
    if (byte !== 0x3f) continue; // "?"
    const leading = elections.filter((election) => election.isLeader()).length;
    say('answer', now(), leading);
  }
});
process.stdin.on('end', () => process.exit(0));

Promise.all(elections.map((election) => election.start())).then(() =>
  say('started', ballast.length),
);
