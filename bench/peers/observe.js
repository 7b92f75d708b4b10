'use strict';
// Tells the parent what a member of another package says of itself, in the lines of bench/harness/member.py.
//
// These packages have no event for it, or answer late: the answer is asked for every few milliseconds, which is nothing
// beside the seconds they take. How they are set up is in the folder of each; nothing here knows one from another.

const EVERY_MS = 10;

const say = (...words) => process.stdout.write(`@${words.join(' ')}\n`);
const now = () => process.hrtime.bigint(); // CLOCK_MONOTONIC

/** `isLeader` may return a promise. */
function observe(isLeader) {
  let leads = false;
  say('started');
  const look = async () => {
    const answer = await Promise.resolve(isLeader()).catch(() => false);
    if (answer !== leads) {
      leads = answer;
      say(...(leads ? ['leader', now(), 0] : ['defeated', now(), 0, 'its-own']));
    }
    setTimeout(look, EVERY_MS);
  };
  look();
}

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
// Some of them let a rejection pass when their server is slow. That is theirs to say, on stderr, and not the end.
process.on('unhandledRejection', (error) => console.error(error));

module.exports = { observe };
