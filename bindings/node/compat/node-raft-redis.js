'use strict';
// Candidate, as the package node-raft-redis has it, over an election of protocol quorum: its methods, events and their
// order. It decides nothing about leadership: the election does, and `state` never says leader where that says no.
// Messages travel in an envelope that says for whom they were, because the old events tell apart by it.

const { EventEmitter } = require('node:events');
const { Election } = require('../election.js');
const { InterrexError, configError } = require('../error.js');
const { urlOf } = require('../options.js');
const { isListenedTo } = require('./predecessor.js');

// The roles of an election in which it is trying to lead.
const CONTENDING = new Set(['candidate']);
const OPTIONS = ['redis', 'kind', 'meta', 'candidate'];

function check(options) {
  if (options === null || typeof options !== 'object')
    throw configError('the options must be an object, at least { redis }');
  for (const key of Object.keys(options)) {
    if (!OPTIONS.includes(key))
      throw configError(`${key} is not an option of a Candidate: they are ${OPTIONS.join(', ')}`);
  }
  const { kind = '' } = options;
  if (typeof kind !== 'string') throw configError(`kind must be a string, not a ${typeof kind}`);
}

// `url` goes first, as it did. One that is there but empty is refused unless a host stands beside it.
function placeOf(redis) {
  if (redis === null || typeof redis !== 'object') return { redis };
  const { url, ...rest } = redis;
  return url || ('url' in redis && rest.host == null) ? { url } : { redis: rest };
}

function deferred() {
  const it = {};
  it.promise = new Promise((resolve, reject) => Object.assign(it, { resolve, reject }));
  it.promise.catch(() => {}); // `candidate.start()` is often not awaited
  return it;
}

class Candidate extends EventEmitter {
  #election;
  #url;
  #kind;
  #mayLead;
  #state = 'follower';
  #arrival = null; // deferred, from start() to stop(): resolved when the first role is known
  #question = null; // AbortController of the question for the old package

  constructor(options) {
    super();
    check(options);
    const { redis, kind = '', meta, candidate } = options;
    const place = placeOf(redis);
    this.#kind = kind;
    this.#mayLead = candidate !== false;
    this.#election = new Election({
      ...place,
      name: `node-raft-redis:${kind}`,
      protocol: 'quorum',
      meta: meta ?? null,
      ...(candidate === undefined ? {} : { candidate }),
    });
    this.#url = urlOf(place);
    this.#election
      .on('elected', (leadership) => this.#elected(leadership))
      .on('defeated', ({ leader }) => this.#defeated(leader))
      .on('role', () => this.#look())
      .on('leader', () => this.#look())
      .on('message', (message) => this.#message(message))
      .on('warning', (warning) => process.emitWarning(warning))
      .on('error', (error) => {
        // Without a listener an EventEmitter throws: a store that is away would end the process.
        if (this.listenerCount('error') > 0) this.emit('error', error);
        else process.emitWarning(error);
      });
  }

  // ---- life ------------------------------------------------------------------------------------

  start() {
    if (this.#arrival !== null) return this.#arrival.promise;
    const arrival = deferred();
    this.#arrival = arrival;
    if (this.#mayLead) this.#become('candidate');
    this.#election.start().then(
      () => {
        if (!this.#mayLead) arrival.resolve(); // there may be nobody to follow for long
        this.#look();
      },
      (error) => {
        arrival.reject(error);
        if (this.#arrival === arrival) this.#arrival = null;
      },
    );
    this.#warnOfPredecessor();
    return arrival.promise;
  }

  async stop() {
    this.#question?.abort();
    this.#arrival?.reject(new InterrexError('the candidate was stopped', 'STOPPED'));
    this.#arrival = null;
    await this.#election.stop();
    if (this.#arrival === null && this.#state === 'candidate') this.#change('follower');
  }

  async reelect() {
    if (!this.#election.isLeader()) return;
    this.#become('candidate');
    try {
      await this.#election.resign();
    } catch (error) {
      if (!(error instanceof InterrexError)) throw error; // lost or stopped meanwhile
    }
  }

  stepdown() {
    return this.reelect();
  }

  // ---- what is known ---------------------------------------------------------------------------

  get id() {
    return this.#election.id ?? '';
  }

  get state() {
    return this.#state === 'leader' && !this.#election.isLeader() ? 'follower' : this.#state;
  }

  get currentTerm() {
    return this.#election.term;
  }

  get meta() {
    return this.#election.meta ?? '';
  }

  getMeta() {
    return this.meta;
  }

  async setMeta(meta) {
    await this.#election.setMeta(meta ?? null);
  }

  /** The election underneath: fencing tokens, reasons, metrics. */
  get election() {
    return this.#election;
  }

  async getInstances() {
    const leader = await this.getLeader();
    const instances = this.#election.members().map(({ id, meta }) => ({
      id,
      meta: meta ?? '',
      state: id === leader?.id ? 'leader' : 'follower',
    }));
    if (this.#arrival === null) return instances;
    const others = instances.filter(({ id }) => id !== this.id);
    return [...others, this.#self()];
  }

  async getLeader() {
    const self = this.#self();
    if (self.state === 'leader') return self;
    const leader = this.#election.leader;
    if (leader === null || leader.id === self.id) return undefined;
    return { id: leader.id, meta: leader.meta ?? '', state: 'leader' };
  }

  #self() {
    return { id: this.id, meta: this.meta, state: this.state };
  }

  // ---- messages --------------------------------------------------------------------------------

  messageFollowers(message) {
    return this.#say('followers', { to: 'followers', message });
  }

  messageLeader(message) {
    return this.#say('leader', { to: 'leader', message });
  }

  messageAll(message) {
    return this.#say('all', { to: 'all', message });
  }

  async messageTo(id, message) {
    if (!/^[0-9a-f]{32}$/.test(id)) return; // nobody has such an id
    await this.#say(id, { to: 'one', message });
  }

  async #say(audience, envelope) {
    try {
      await this.#election.send(audience, envelope);
    } catch (error) {
      // That nobody was there to hear it was never an error of this method; what can't be sent at all was.
      if (!(error instanceof InterrexError) || error.code === 'TOO_LARGE') throw error;
    }
  }

  #message({ data, from, fromLeader }) {
    if (data === null || typeof data !== 'object' || !('to' in data)) return; // not from a Candidate
    const { to, message } = data;
    const leads = this.state === 'leader';
    try {
      this.emit('message', { message, from });
    } finally {
      if (leads && (to === 'one' || to === 'leader'))
        this.emit('message:from:follower', { message, from });
      if (!leads && fromLeader) this.emit('message:from:leader', { message, from });
    }
  }

  // ---- states ----------------------------------------------------------------------------------

  #elected(leadership) {
    if (!leadership.check() || !this.#election.isLeader()) return; // over before it was told
    this.#arrival?.resolve();
    this.#become('leader');
  }

  // A leadership that was lost ends at once, though nobody may be known to have won it. One that reelect() gave up is
  // told of as it was: when there is a winner.
  #defeated(leader) {
    if (this.#state === 'leader') this.#become('follower', leader?.id);
  }

  // Who starts, or claims, is a candidate until it leads or knows who does.
  #look() {
    if (this.#state === 'leader' || this.#arrival === null) return;
    const { leader, role, id } = this.#election;
    const others = leader !== null && leader.id !== id;
    if (others) this.#arrival.resolve();
    if (CONTENDING.has(role)) this.#become('candidate');
    else if (others) this.#become('follower', leader.id);
  }

  #become(state, leaderId) {
    if (this.#state === state) return;
    this.#change(state, () => {
      if (state === 'leader') this.emit('elected');
      if (state === 'follower') this.emit('defeated', leaderId);
    });
  }

  // The event that says what happened goes before the one that says what it is now.
  #change(state, tell = () => {}) {
    this.#state = state;
    try {
      tell();
    } finally {
      this.emit('statechange', state);
    }
  }

  // ---- the old package -------------------------------------------------------------------------

  async #warnOfPredecessor() {
    this.#question = new AbortController();
    const channel = `consensus-events:${this.#kind}`;
    if (!(await isListenedTo(this.#url, channel, this.#question.signal))) return;
    process.emitWarning(
      `somebody listens on the channel ${channel}, as instances of node-raft-redis do. They and this Candidate do not ` +
        'see each other: run side by side, both elect a leader. Stop them first, or set candidate: false here until ' +
        'they are gone (docs/migrating.md)',
      { type: 'InterrexWarning', code: 'INTERREX_NODE_RAFT_REDIS' },
    );
  }
}

module.exports = { Candidate, default: Candidate };
Object.defineProperty(module.exports, '__esModule', { value: true });
