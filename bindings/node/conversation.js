'use strict';
// What members say to one another, as JSON: their meta, messages, the published value. It turns values into bytes for
// the core and the core's bytes into values; who may send, and who leads, is the core's to say.

const { InterrexError } = require('./error.js');
const { encode, encodeMeta, decode } = require('./json.js');
const { Requests } = require('./requests.js');

const AUDIENCES = ['leader', 'followers', 'all'];

// A mistake in the address is the program's; a member that has left is not.
function checkAddress(to) {
  if (AUDIENCES.includes(to) || (typeof to === 'string' && /^[0-9a-f]{32}$/i.test(to))) return;
  const shown = typeof to === 'string' ? JSON.stringify(to) : `a value of type ${typeof to}`;
  throw new TypeError(
    `send() goes to 'leader', 'followers', 'all' or the id of a member (32 hex digits), not to ${shown}`,
  );
}

// The core's refusal of a message, told for the address it had.
function retell(error, to) {
  if (error.code === 'NO_MEMBER') {
    error.message =
      to === 'leader'
        ? 'no leader is known here to send to'
        : `nobody in this election has the id ${to}`;
  } else if (error.code === 'STATE') {
    error.message =
      to === 'leader'
        ? 'this member leads: a message to the leader would be to itself'
        : 'this is the id of the sender itself';
  }
  return error;
}

// The value of these bytes; null where there are none, or where they are something else than JSON.
function valueOf(bytes) {
  if (bytes === null || bytes.length === 0) return null;
  try {
    return decode(bytes);
  } catch {
    return null;
  }
}

class Conversation {
  #handle;
  #meta; // bytes: a copy that nobody can change behind our back
  #requests = new Requests();

  constructor(handle, meta) {
    this.#handle = handle;
    this.#meta = meta;
  }

  get meta() {
    return valueOf(this.#meta);
  }

  /** `running`: there is a store to write it to, and something to wait for. */
  setMeta(value, running) {
    return this.#requests.begin(
      () => encodeMeta(value),
      (bytes) => {
        const ticket = this.#handle.setMeta(bytes, running);
        this.#meta = bytes;
        return ticket;
      },
    );
  }

  send(to, value) {
    return this.#requests.begin(
      () => (checkAddress(to), encode('message', value, this.#handle.messageMax())),
      (bytes) => {
        try {
          return this.#handle.send(to, bytes);
        } catch (error) {
          throw retell(error, to);
        }
      },
    );
  }

  get value() {
    return valueOf(this.#handle.value()?.data ?? null);
  }

  publish(value) {
    return this.#requests.begin(
      () => encode('value', value),
      (bytes) => this.#handle.publish(bytes),
      ({ version }) => ({ version }),
    );
  }

  members() {
    const members = this.#handle.members();
    for (const member of members) member.meta = valueOf(member.meta);
    return members;
  }

  /** A leader as the core names it, with what it says of itself. */
  introduce(leader) {
    if (leader !== null) leader.meta = valueOf(this.#handle.metaOf(leader.id));
    return leader;
  }

  /** The value of a message or value event; an InterrexError of the code FOREIGN where its bytes are no JSON. */
  read({ kind, data, from, version }) {
    try {
      return decode(data);
    } catch (error) {
      const what =
        kind === 'message'
          ? `the message from ${from}`
          : `the published value ${version.term}.${version.index}`;
      throw new InterrexError(
        `${what} is no JSON (${data.length} bytes: ${error.message}): it is dropped`,
        'FOREIGN',
      );
    }
  }

  settle(event) {
    this.#requests.settle(event);
  }

  /** The election has stopped: whoever still waits is told `error`. */
  end(error) {
    this.#requests.end(error);
  }
}

module.exports = { Conversation };
