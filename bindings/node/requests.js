'use strict';
// What was asked of the core and takes time: a ticket goes out, a settled event comes back, and a promise stands
// between the two. Each promise settles once, at the latest when the election has stopped. Nothing is asked twice.

class Requests {
  #waiting = new Map(); // by ticket

  /**
   * `prepare` makes the bytes: what it throws is a mistake of the program. `ask` hands them over and gives a ticket, 0
   * where there is nothing to wait for. Resolves with what `shape` makes of the settled event.
   */
  begin(prepare, ask, shape = () => undefined) {
    let bytes;
    try {
      bytes = prepare();
    } catch (error) {
      return Promise.reject(error);
    }
    const promise = new Promise((resolve, reject) => {
      const ticket = ask(bytes);
      if (ticket === 0) resolve();
      else this.#waiting.set(ticket, { resolve: (event) => resolve(shape(event)), reject });
    });
    // The world's trouble must not end the process because of a message that nobody waits for.
    promise.catch(() => {});
    return promise;
  }

  settle(event) {
    const waiter = this.#waiting.get(event.ticket);
    this.#waiting.delete(event.ticket);
    if (event.error !== null) waiter?.reject(event.error);
    else waiter?.resolve(event);
  }

  /** The election has stopped: whatever is left is told so. */
  end(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

module.exports = { Requests };
