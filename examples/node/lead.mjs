// One job among all instances: whoever leads does it, under a deadline and with a fencing token.

import { setTimeout as sleep } from 'node:timers/promises';
import { Election } from 'interrex';

const election = new Election({ name: 'job', url: process.env.INTERREX_URL ?? 'local:' });
await election.start();

const sum = await election.lead(async (leadership) => {
  let total = 0;
  for (let i = 1; i <= 10 && !leadership.draining.aborted; i++) {
    await sleep(10, undefined, { signal: leadership.signal }); // ends at once when leadership is lost
    total += i;
  }
  console.log(`term ${leadership.term}: ${Math.ceil(leadership.remaining())} ms left`);
  return total;
});

console.log(`the sum is ${sum}`);
await election.stop();
