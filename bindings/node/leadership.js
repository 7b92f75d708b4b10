'use strict';
// One leadership as its holder sees it: a token, two signals, a deadline. It never outlives its term: asked later, it
// says no, even if the same member leads again.

const { InterrexError } = require('./error.js');

/** Milliseconds that something still needs; a mistake here must not become a yes. */
function checkNeed(needMs) {
  if (typeof needMs !== 'number' || !(needMs >= 0)) {
    throw new TypeError(
      `needMs must be a number of milliseconds, 0 or more, not ${String(needMs)}`,
    );
  }
}

class Leadership {
  #handle;

  constructor(handle, token, signal, draining) {
    this.#handle = handle;
    this.token = Object.freeze(token);
    this.signal = signal;
    this.draining = draining;
    Object.freeze(this);
  }

  get term() {
    return this.token.term;
  }

  /** True inside the deadline, draining included, with at least needMs left. */
  check(needMs = 0) {
    checkNeed(needMs);
    return this.#handle.check(needMs, this.token.term, this.token.incarnation);
  }

  /** Milliseconds left; 0 once it is over, Infinity where no deadline is needed. */
  remaining() {
    const { token, remainingMs } = this.#handle.status();
    return token !== null && sameToken(token, this.token) ? remainingMs : 0;
  }
}

function sameToken(a, b) {
  return a.term === b.term && a.incarnation === b.incarnation;
}

/** A leadership with the means to end it, for the election alone. Both `drain` and `end` may be called again. */
function grant(handle, token) {
  const over = new AbortController();
  const draining = new AbortController();
  const leadership = new Leadership(handle, token, over.signal, draining.signal);
  const why = (verb, reason) => {
    const error = new InterrexError(
      `the leadership of term ${token.term} ${verb}: ${reason}`,
      'NOT_LEADER',
    );
    error.reason = reason;
    return error;
  };
  return {
    leadership,
    is: (other) => sameToken(other, token),
    drain: (reason) => draining.abort(why('is given up', reason)),
    end: (reason) => {
      draining.abort(why('is over', reason));
      over.abort(why('is over', reason));
    },
  };
}

module.exports = { Leadership, checkNeed, grant };
