'use strict';
// Runs on every instance; only one of them works at a time. Try it: start it in two terminals, kill the one that works.

const { Election } = require('interrex');

const election = new Election({ name: 'example', url: process.env.INTERREX_URL ?? 'local:' });
process.once('SIGTERM', () => election.stop());
process.once('SIGINT', () => election.stop());

election.on('leader', (leader) => console.log(leader ? `${leader.label} leads` : 'nobody leads'));
election.on('defeated', ({ reason }) => console.log(`no longer the leader: ${reason}`));
election.on('elected', ({ term }) => console.log(`leading, term ${term}`));

election.start();
setInterval(() => {
  if (election.isLeader()) console.log('the singular work');
}, 1000).unref();
