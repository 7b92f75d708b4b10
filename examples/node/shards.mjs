// The leader deals shards out among all instances and publishes the plan; each works at its own and reports to the
// leader. Try it: start it in several terminals, then stop the one that leads.

import { Election } from 'interrex';

const SHARDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const election = new Election({
  name: 'shards',
  url: process.env.INTERREX_URL ?? 'local:',
  meta: { pid: process.pid }, // every member sees it
});
process.once('SIGTERM', () => election.stop());
process.once('SIGINT', () => election.stop());

function deal() {
  const members = election.members();
  if (!election.isLeader() || members.length === 0) return;
  const owner = (i) => members[i % members.length].id;
  // Where leadership is lost meanwhile this is refused, and the next leader deals.
  election.publish(Object.fromEntries(SHARDS.map((shard, i) => [shard, owner(i)])));
}
election.on('elected', deal);
election.on('members', deal);

election.on('value', ({ value: plan }) => {
  const mine = SHARDS.filter((shard) => plan[shard] === election.id);
  if (mine.length === 0) return; // a plan of before it came
  console.log(`mine: ${mine.join(' ')}`);
  if (!election.isLeader()) election.send('leader', { pid: process.pid, shards: mine });
});
election.on('message', ({ data }) => console.log(`${data.pid} works at ${data.shards.join(' ')}`));

await election.start();
