'use strict';
// Candidates of a test: on the test's server, with a record of their events, and a stop when the test ends.

const { Candidate } = require('interrex/compat/node-raft-redis');
const { until } = require('./elections.js');

const EVENTS = [
  'elected',
  'defeated',
  'statechange',
  'message',
  'message:from:leader',
  'message:from:follower',
  'error',
];

let kinds = 0;

/** A kind that no other test uses. */
function freshKind() {
  return `kind-${process.pid}-${++kinds}`;
}

/** A candidate that is stopped when the test ends. `candidate.log` holds [event, ...arguments]. */
function candidateOn(t, server, options) {
  const candidate = new Candidate({ redis: { host: '127.0.0.1', port: server.port }, ...options });
  candidate.log = [];
  for (const event of EVENTS)
    candidate.on(event, (...args) => candidate.log.push([event, ...args]));
  t.after(() => candidate.stop());
  return candidate;
}

/** `count` candidates of one kind that all know each other: { leader, followers, all }. */
async function cluster(t, server, count, options = {}) {
  const kind = options.kind ?? freshKind();
  const all = Array.from({ length: count }, () => candidateOn(t, server, { ...options, kind }));
  await Promise.all(all.map((candidate) => candidate.start()));
  await until(
    () => all.every((candidate) => candidate.election.members().length === count),
    'all know each other',
  );
  const leader = await until(() => all.find(({ state }) => state === 'leader'), 'one leads');
  return { kind, all, leader, followers: all.filter((candidate) => candidate !== leader) };
}

module.exports = { candidateOn, cluster, freshKind };
