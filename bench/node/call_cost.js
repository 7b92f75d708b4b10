'use strict';
// What one isLeader() costs its caller. Times whole loops and subtracts nothing; the loop's own cost is a row too.
//
//     node call_cost.js CALLS REPEATS

const { Election } = require('interrex');

const calls = Number(process.argv[2] ?? 1e6);
const repeats = Number(process.argv[3] ?? 11);

function ask(election) {
  let yes = 0;
  for (let i = 0; i < calls; i++) if (election.isLeader()) yes++;
  return yes;
}

// A method call that the compiler may inline: what the loop costs without us.
const always = { isLeader: () => true };
function nothing() {
  let yes = 0;
  for (let i = 0; i < calls; i++) if (always.isLeader()) yes++;
  return yes;
}

function row(what, body, election, expected) {
  body(election); // compiled by then
  const ns = Array.from({ length: repeats }, () => {
    const begun = process.hrtime.bigint();
    const yes = body(election);
    const took = Number(process.hrtime.bigint() - begun);
    if (yes !== expected) throw new Error(`${what}: the answer changed on the way`);
    return Number((took / calls).toFixed(3));
  });
  console.log(JSON.stringify({ language: 'Node', what, calls, ns }));
}

async function main() {
  const leader = new Election({ name: 'cost', url: 'memory:' });
  const follower = new Election({ name: 'cost', url: 'memory:', candidate: false });
  await leader.start();
  await leader.whenLeader();
  await follower.start();
  row('isLeader(), leading', ask, leader, calls);
  row('isLeader(), following', ask, follower, 0);
  row('the loop alone', nothing, null, calls);
  await Promise.all([follower.stop(), leader.stop()]);
}

main();
