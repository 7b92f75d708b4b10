'use strict';
// lead(): runs a function under leadership, as often as leadership is lost under it, and gives leadership up when the
// function is done. The function counts as work, so that a graceful end waits for it; whether and when leadership
// ends is the core's alone.

const { InterrexError } = require('./error.js');

function lead(election, handle, fn, { signal, keep = false } = {}) {
  if (typeof fn !== 'function') throw new TypeError('lead() takes a function');
  const result = run(election, handle, fn, signal, keep);
  const promise = new Promise((resolve, reject) => {
    result.then(resolve, (error) => {
      // stop() is how a lead() without end ends: no unhandled rejection where nobody looks.
      if (error instanceof InterrexError && error.code === 'STOPPED') promise.catch(() => {});
      reject(error);
    });
  });
  return promise;
}

async function run(election, handle, fn, signal, keep) {
  for (;;) {
    const leadership = await election.whenLeader({ signal });
    if (!beginWork(handle, leadership)) {
      // Over already, or a later one whose event is still on its way here.
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    let resigning;
    const abort = () => {
      if (!keep) resigning = resign(election, leadership);
    };
    signal?.addEventListener('abort', abort, { once: true });
    let settled;
    let lost;
    try {
      const value = await fn(leadership);
      settled = () => value;
    } catch (error) {
      settled = () => {
        throw error;
      };
    } finally {
      signal?.removeEventListener('abort', abort);
      lost = !leadership.check(); // before the work ends: draining is over then
      handle.workEnd();
    }
    if (signal?.aborted) {
      await resigning;
      throw signal.reason;
    }
    if (lost) continue; // what it gave or threw after that is void
    if (!keep) await resign(election, leadership);
    return settled();
  }
}

function beginWork(handle, leadership) {
  const token = handle.workBegin();
  if (token === null) return false;
  if (token.term === leadership.term && token.incarnation === leadership.token.incarnation)
    return true;
  handle.workEnd();
  return false;
}

// Resigns; where leadership is being given up already, or is gone, waits for its end.
async function resign(election, leadership) {
  try {
    await election.resign();
  } catch (error) {
    if (!(error instanceof InterrexError)) throw error;
    if (leadership.signal.aborted) return;
    await new Promise((resolve) =>
      leadership.signal.addEventListener('abort', resolve, { once: true }),
    );
  }
}

module.exports = { lead };
