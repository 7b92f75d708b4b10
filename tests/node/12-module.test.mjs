// The package as its users meet it: both module systems, one class, nothing more than is promised.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { it } from 'node:test';
import * as esm from 'interrex';
import manifest from 'interrex/package.json' with { type: 'json' };

const require = createRequire(import.meta.url);
const cjs = require('interrex');

it('both module systems give the same things', () => {
  assert.deepEqual(Object.keys(cjs).sort(), ['Election', 'InterrexError', 'schema', 'version']);
  assert.deepEqual(Object.keys(esm).sort(), ['Election', 'InterrexError', 'schema', 'version']);
  for (const key of Object.keys(cjs)) assert.equal(esm[key], cjs[key]);
  assert.equal(esm.version, manifest.version);
});

it('the stand-in for node-raft-redis is the same through both, by name and by default', async () => {
  const imported = await import('interrex/compat/node-raft-redis');
  const required = require('interrex/compat/node-raft-redis');
  assert.deepEqual(Object.keys(imported).sort(), ['Candidate', 'default']);
  assert.deepEqual(Object.keys(required).sort(), ['Candidate', 'default']);
  assert.equal(imported.default, required.Candidate);
  assert.equal(imported.Candidate, required.Candidate);
  assert.equal(required.default, required.Candidate);
});

it('an election has the promised surface, and nothing that comes later', () => {
  const surface = Object.getOwnPropertyNames(esm.Election.prototype).filter(
    (name) => name !== 'constructor',
  );
  assert.deepEqual(surface.sort(), [
    'guarantee',
    'history',
    'id',
    'isLeader',
    'lead',
    'leader',
    'members',
    'meta',
    'metrics',
    'publish',
    'ref',
    'resign',
    'role',
    'send',
    'setMeta',
    'start',
    'stop',
    'term',
    'token',
    'transfer',
    'unref',
    'value',
    'whenLeader',
  ]);
  assert.equal(typeof esm.Election.prototype[Symbol.asyncDispose], 'function');
});

it('errors are one class, with a code', () => {
  const error = new esm.InterrexError('text', 'CONFIG');
  assert.ok(error instanceof Error);
  assert.equal(`${error}`, 'InterrexError: text');
  assert.deepEqual(Object.keys(error), ['code']);
});

it('a native method called on something else is a TypeError, not a crash', () => {
  const election = new esm.Election({ name: 'module', url: 'memory:' });
  for (const method of ['isLeader', 'members', 'start', 'stop']) {
    assert.throws(() => esm.Election.prototype[method].call({}), TypeError);
  }
  assert.equal(election.isLeader(), false);
});
