'use strict';
// Starts, leads over memory:, talks, stops, starts again and exits while leading: what valgrind watches the addon do.

const { Election } = require('interrex');

async function main() {
  const options = {
    name: 'valgrind',
    url: 'memory:',
    heartbeat: 1000,
    timeout: 60_000,
    stallLimit: 0,
    meta: { some: 'meta' },
  };
  const first = new Election(options);
  const second = new Election(options);
  await first.start();
  await first.whenLeader();
  await second.start();
  first.members();
  first.metrics();
  first.history();
  const heard = new Promise((resolve) => second.on('message', resolve));
  await first.setMeta({ other: 'meta' });
  await first.publish('a value');
  await first.send('followers', 'a message');
  if ((await heard).data !== 'a message' || second.value !== 'a value') process.exit(1);
  await first.resign();
  await second.whenLeader();
  await Promise.all([first.stop(), second.stop()]);
  await first.start();
  await first.whenLeader();
  if (!first.isLeader()) process.exit(1);
  first.publish('under way at the end');
  process.exit(0);
}

main();
