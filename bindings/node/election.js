'use strict';
// The Election class: the core's calls and events in the shape Node expects (promises, an EventEmitter, AbortSignals).
// It decides nothing about leadership: every answer is the core's at the moment of asking, every event the core's in
// the core's order. Events may be stale by the time they run here; the getters never are.

const { EventEmitter } = require('node:events');
const native = require('./native.js');
const { InterrexError } = require('./error.js');
const { shape, retell } = require('./options.js');
const { checkNeed, grant } = require('./leadership.js');
const { lead } = require('./lead.js');
const { Conversation } = require('./conversation.js');

const PULSE_MS = 1000;

let closesAtExit = false;

// process.exit() runs no clean-up hooks on the main thread, so that leaders release here.
function closeAtExit() {
  if (closesAtExit) return;
  closesAtExit = true;
  process.on('exit', () => native.closeAll());
}

function deferred() {
  const it = {};
  it.promise = new Promise((resolve, reject) => Object.assign(it, { resolve, reject }));
  // Whoever awaits it gets the error; stop() before that must not count as an unhandled rejection.
  it.promise.catch(() => {});
  return it;
}

function stopped(what) {
  return new InterrexError(what, 'STOPPED');
}

class Election extends EventEmitter {
  #handle;
  #isLeader;
  #stallLimitMs;
  #starting = null; // deferred, from start() until it has stopped: the promise that start() gives
  #stopping = null; // deferred, from stop() until the stopped event
  #lastError = null; // of this start, before it took part
  #current = null; // the leadership last announced, until its end was announced
  #elections = new Set(); // waiting for the next elected event: {resolve, reject}
  #endings = new Set(); // waiting for the next defeated event: resolve
  #conversation;
  #pulse = null;

  constructor(options) {
    super();
    const { url, pairs, meta, stallLimitMs } = shape(options);
    try {
      this.#handle = new native.Handle(url, pairs);
    } catch (error) {
      throw error instanceof InterrexError ? retell(error) : error;
    }
    this.#isLeader = this.#handle.isLeader;
    this.#handle.onReady = () => this.#drain();
    this.#stallLimitMs = stallLimitMs;
    this.#conversation = new Conversation(this.#handle, meta);
    closeAtExit();
  }

  // ---- life ------------------------------------------------------------------------------------

  start() {
    if (this.#starting !== null) return this.#starting.promise;
    const starting = deferred();
    this.#starting = starting;
    if (this.#stopping === null) {
      this.#begin(starting);
    } else {
      this.#stopping.promise.then(() => {
        if (this.#starting === starting) this.#begin(starting);
      });
    }
    return starting.promise;
  }

  #begin(starting) {
    this.#lastError = null;
    try {
      this.#handle.start();
    } catch (error) {
      this.#starting = null;
      starting.reject(error);
      return;
    }
    if (this.#stallLimitMs > 0) {
      const everyMs = Math.max(1, Math.min(Math.floor(this.#stallLimitMs / 3), PULSE_MS));
      this.#pulse = setInterval(() => this.#handle.pulse(), everyMs).unref();
    }
  }

  stop() {
    const starting = this.#starting;
    this.#starting = null;
    if (starting !== null) {
      starting.reject(stopped('the election was stopped before it took part'));
      this.#giveUpWaiting();
    }
    if (this.#stopping !== null) return this.#stopping.promise;
    if (starting === null) return Promise.resolve();
    const stopping = deferred();
    this.#stopping = stopping;
    try {
      this.#handle.stop();
    } catch (error) {
      this.#stopping = null;
      this.#starting = starting;
      stopping.reject(error);
      return stopping.promise;
    }
    this.#current?.drain('stopped');
    return stopping.promise;
  }

  [Symbol.asyncDispose]() {
    return this.stop();
  }

  ref() {
    this.#handle.keepAlive(true);
    return this;
  }

  unref() {
    this.#handle.keepAlive(false);
    return this;
  }

  // ---- am I the leader? ------------------------------------------------------------------------

  isLeader(needMs = 0) {
    if (needMs === 0) return this.#isLeader();
    checkNeed(needMs);
    return this.#handle.leads(needMs);
  }

  whenLeader({ signal } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#starting === null)
        return reject(stopped('the election is stopped: start() it first'));
      if (this.#current !== null && this.isLeader() && this.#current.leadership.check()) {
        return resolve(this.#current.leadership);
      }
      const leave = () => {
        this.#elections.delete(waiter);
        signal?.removeEventListener('abort', abort);
      };
      const waiter = {
        resolve: (leadership) => (leave(), resolve(leadership)),
        reject: (error) => (leave(), reject(error)),
      };
      const abort = () => waiter.reject(signal.reason);
      signal?.addEventListener('abort', abort, { once: true });
      this.#elections.add(waiter);
    });
  }

  lead(fn, options = {}) {
    return lead(this, this.#handle, fn, options);
  }

  async resign() {
    this.#handle.resign();
    await this.#givenUp('resigned');
  }

  async transfer(id) {
    if (typeof id !== 'string')
      throw new TypeError('transfer() takes the id of a member, a string of 32 hex digits');
    this.#handle.transfer(id);
    await this.#givenUp('transferred');
  }

  // The caller has just given leadership up: `draining` aborts at once, the promise waits for the end of it.
  #givenUp(reason) {
    this.#current?.drain(reason);
    return new Promise((resolve) => this.#endings.add(resolve));
  }

  // ---- what is known ---------------------------------------------------------------------------

  get role() {
    return this.#handle.status().role;
  }

  get id() {
    return this.#handle.status().id;
  }

  get term() {
    const { token, leader } = this.#handle.status();
    return token?.term ?? leader?.term ?? 0;
  }

  get token() {
    return this.#handle.status().token;
  }

  get leader() {
    return this.#conversation.introduce(this.#handle.status().leader);
  }

  get guarantee() {
    return this.#handle.status().guarantee;
  }

  members() {
    return this.#conversation.members();
  }

  metrics() {
    return this.#handle.metrics();
  }

  history() {
    return this.#handle.history().split('\n').filter(Boolean);
  }

  // ---- members to one another ------------------------------------------------------------------

  get meta() {
    return this.#conversation.meta;
  }

  setMeta(value) {
    return this.#conversation.setMeta(value, this.#starting !== null || this.#stopping !== null);
  }

  send(to, value) {
    return this.#conversation.send(to, value);
  }

  get value() {
    return this.#conversation.value;
  }

  publish(value) {
    return this.#conversation.publish(value);
  }

  // ---- events ----------------------------------------------------------------------------------

  #drain() {
    for (let event; (event = this.#handle.nextEvent()) !== null;) {
      try {
        this.#take(event);
      } catch (error) {
        // A listener's mistake is the process's to know, and must not cost the events behind it.
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }

  #take(event) {
    switch (event.kind) {
      case 'started':
        return this.#starting?.resolve();
      case 'elected':
        return this.#elected(event.token);
      case 'draining':
        if (this.#current?.is(event.token)) this.#current.drain(event.reason);
        return;
      case 'defeated':
        return this.#defeated(event);
      case 'leader':
        return this.emit('leader', this.#conversation.introduce(event.leader));
      case 'role':
        return this.emit('role', event.role, event.previous);
      case 'members':
        return this.emit('members', this.members());
      case 'message': {
        const { from, fromLeader } = event;
        return this.#carried(event, (data) => this.emit('message', { data, from, fromLeader }));
      }
      case 'value': {
        const { version } = event;
        return this.#carried(event, (value) => this.emit('value', { version, value }));
      }
      case 'settled':
        if (event.error !== null) retell(event.error);
        return this.#conversation.settle(event);
      case 'warning':
        return this.#tell('warning', retell(event.error));
      case 'error':
        if (event.error.code !== 'OK') this.#lastError = event.error;
        return this.#tell('error', retell(event.error));
      case 'stopped':
        return this.#stopped();
    }
  }

  #elected(token) {
    this.#current = grant(this.#handle, token);
    const { leadership } = this.#current;
    for (const waiter of [...this.#elections]) waiter.resolve(leadership);
    this.emit('elected', leadership);
  }

  #defeated({ token, reason, leader }) {
    this.#current?.end(reason);
    this.#current = null;
    for (const resolve of this.#endings) resolve();
    this.#endings.clear();
    this.emit('defeated', {
      term: token.term,
      reason,
      leader: this.#conversation.introduce(leader),
    });
  }

  // Bytes of somebody who does not keep to JSON are told of, and dropped.
  #carried(event, use) {
    let value;
    try {
      value = this.#conversation.read(event);
    } catch (error) {
      return this.#tell('warning', error);
    }
    use(value);
  }

  #stopped() {
    clearInterval(this.#pulse);
    this.#handle.idle();
    for (const resolve of this.#endings) resolve();
    this.#endings.clear();
    this.#conversation.end(stopped('the election was stopped before this was done'));
    const stopping = this.#stopping;
    this.#stopping = null;
    if (stopping !== null) return stopping.resolve();
    // Nobody asked: it could not take part.
    const starting = this.#starting;
    this.#starting = null;
    starting?.reject(this.#lastError ?? stopped('the election ended before it took part'));
    this.#giveUpWaiting();
  }

  #giveUpWaiting() {
    for (const waiter of [...this.#elections]) waiter.reject(stopped('the election is stopped'));
  }

  // Without a listener: a warning of the process. An unreachable store never kills it.
  #tell(event, error) {
    if (this.listenerCount(event) > 0) this.emit(event, error);
    else process.emitWarning(error);
  }
}

module.exports = { Election };
