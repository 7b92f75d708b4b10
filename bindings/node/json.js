'use strict';
// Values of the application as bytes and back: JSON in UTF-8, in every language of this library. Decides what can be
// carried and how much of it; never what it means, and never repairs anything.

const { InterrexError } = require('./error.js');
const { limits } = require('./native.js');

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function kindOf(value) {
  return value === undefined ? 'undefined' : `a ${typeof value}`;
}

/**
 * The value as bytes. `what` is 'meta', 'message' or 'value': whose limit holds, unless another `limit` does. What JSON
 * can't carry is a TypeError; what is too large has the code TOO_LARGE.
 */
function encode(what, value, limit = limits[what]) {
  let text;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // a toJSON of the application's
    const [first] = error.message.split('\n');
    throw new TypeError(`the ${what} can not be carried as JSON: ${first}`, { cause: error });
  }
  if (text === undefined) {
    throw new TypeError(`the ${what} can not be carried as JSON: it is ${kindOf(value)}`);
  }
  const bytes = Buffer.from(text);
  if (bytes.length > limit) {
    throw new InterrexError(
      `the ${what} is too large: ${bytes.length} bytes as JSON, and the limit is ${limit}`,
      'TOO_LARGE',
    );
  }
  return bytes;
}

/** As encode; null becomes no bytes at all: that is how a meta is empty. */
function encodeMeta(value) {
  return value === null ? Buffer.alloc(0) : encode('meta', value);
}

/** The value of these bytes; throws a SyntaxError or TypeError where they are no JSON in UTF-8. */
function decode(bytes) {
  return JSON.parse(decoder.decode(bytes));
}

module.exports = { encode, encodeMeta, decode };
