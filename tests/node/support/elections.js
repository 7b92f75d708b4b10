'use strict';
// Elections of a test: a name nobody else uses, a record of their events, a stop when the test ends, and a timing that a
// machine under load keeps: nothing of it is lost where all processes of a test stand still for a second.

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { Election } = require('interrex');

const LIMIT_MS = 20_000;
const EVENTS = ['elected', 'defeated', 'leader', 'role', 'members', 'warning', 'error'];

let names = 0;

/** A name that no other test uses. */
function freshName(prefix = 'test') {
  return `${prefix}-${process.pid}-${++names}`;
}

/** An election that is stopped when the test ends. `election.log` holds [event, ...arguments]. */
function open(t, options) {
  const election = new Election({ heartbeat: 100, timeout: 2000, drainLimit: 20_000, ...options });
  election.log = [];
  for (const event of EVENTS) election.on(event, (...args) => election.log.push([event, ...args]));
  t.after(() => election.stop());
  return election;
}

async function started(t, options) {
  const election = open(t, options);
  await election.start();
  return election;
}

/** A started election that leads. */
async function leading(t, options) {
  const election = await started(t, options);
  await election.whenLeader();
  return election;
}

/** `what` may be a function: it is asked when it did not happen. */
async function until(predicate, what) {
  for (const end = Date.now() + LIMIT_MS; Date.now() < end; await sleep(5)) {
    const value = await predicate();
    if (value) return value;
  }
  assert.fail(
    `it did not happen within ${LIMIT_MS} ms: ${typeof what === 'function' ? what() : what}`,
  );
}

/** Waits until each of them knows all: a leader that knows nobody else may resign and lead again at once. */
function acquainted(...elections) {
  return until(
    () => elections.every((election) => election.members().length === elections.length),
    () => {
      const known = elections.map((election) => JSON.stringify(election.members()));
      return `all know each other; they know ${known.join(' and ')}`;
    },
  );
}

/** The arguments of the next such event. */
function next(emitter, event) {
  const limit = AbortSignal.timeout(LIMIT_MS);
  return new Promise((resolve, reject) => {
    const listener = (...args) => {
      limit.removeEventListener('abort', late);
      resolve(args);
    };
    // Not events.once: an error event of an election is no end of it.
    const late = () =>
      reject(new assert.AssertionError({ message: `no ${event} event within ${LIMIT_MS} ms` }));
    emitter.once(event, listener);
    limit.addEventListener('abort', late, { once: true });
  });
}

function namesOf(election, ...events) {
  return election.log.map(([event]) => event).filter((event) => events.includes(event));
}

/** Keeps this thread's event loop from running, as a long computation does. */
function block(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

module.exports = {
  LIMIT_MS,
  acquainted,
  freshName,
  open,
  started,
  leading,
  until,
  next,
  namesOf,
  block,
};
