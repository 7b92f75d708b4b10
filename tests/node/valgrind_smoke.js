'use strict';
// Starts, leads over memory:, stops, starts again and exits while leading: what valgrind watches the addon do.

const { Election } = require('interrex');

async function main() {
  const options = {
    name: 'valgrind',
    url: 'memory:',
    heartbeat: 1000,
    timeout: 60_000,
    stallLimit: 0,
  };
  const first = new Election(options);
  const second = new Election(options);
  await first.start();
  await first.whenLeader();
  await second.start();
  first.members();
  first.metrics();
  first.history();
  await first.resign();
  await second.whenLeader();
  await Promise.all([first.stop(), second.stop()]);
  await first.start();
  await first.whenLeader();
  if (!first.isLeader()) process.exit(1);
  process.exit(0);
}

main();
