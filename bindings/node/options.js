'use strict';
// Checks the shape of the options and rewrites them as the core's keys and a URL. Ranges and rules between options are
// the core's to judge; this file only knows types, names and where a value comes from.

const { InterrexError, configError } = require('./error.js');
const { encodeMeta } = require('./json.js');

const DEFAULT_STALL_LIMIT_MS = 30_000;

// [option, key in the core, what it must be]
const TABLE = [
  ['name', 'name', 'text'],
  ['namespace', 'namespace', 'text'],
  ['profile', 'profile', 'text'],
  ['protocol', 'protocol', 'text'],
  ['heartbeat', 'heartbeat_ms', 'milliseconds'],
  ['timeout', 'timeout_ms', 'milliseconds'],
  ['takeover', 'takeover', 'text'],
  ['probe', 'probe_ms', 'milliseconds'],
  ['label', 'label', 'text'],
  ['candidate', 'candidate', 'boolean'],
  ['stallLimit', 'stall_limit_ms', 'milliseconds'],
  ['drainLimit', 'drain_limit_ms', 'milliseconds'],
  ['startTimeout', 'start_timeout_ms', 'milliseconds'],
  ['drift', 'drift', 'number'],
  ['maxMembers', 'max_members', 'count'],
  ['createTable', 'create_table', 'boolean'],
];
const OPTIONS = ['url', 'redis', 'meta', ...TABLE.map(([option]) => option)];
const REDIS_OPTIONS = ['host', 'port', 'username', 'password', 'db', 'tls'];

function shown(value) {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (value === null || ['number', 'boolean', 'undefined'].includes(typeof value))
    return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

// Edits (insert, remove, replace, swap neighbours) that turn one word into the other.
function distance(a, b) {
  let before = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(replace, row[j] + 1, next[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        next[j] = Math.min(next[j], before[j - 2] + 1);
      }
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}

// The units and the spellings of other libraries that people try first.
const plain = (word) =>
  word
    .toLowerCase()
    .replace(/[-_]/g, '')
    .replace(/(ms|millis|milliseconds)$/, '');

function refuseUnknown(object, known, prefix) {
  for (const key of Object.keys(object)) {
    if (known.includes(key)) continue;
    const [nearest] = known
      .map((option) => [option, distance(plain(key), plain(option))])
      .sort((a, b) => a[1] - b[1])[0];
    const near =
      distance(plain(key), plain(nearest)) <= Math.max(1, Math.floor(nearest.length / 4));
    const hint = near
      ? `did you mean "${prefix}${nearest}"?`
      : `the options are ${known.join(', ')}`;
    throw configError(`${prefix}${key} is not an option: ${hint}`);
  }
}

const CHECKS = {
  text: [(v) => typeof v === 'string' && !v.includes('\0'), 'must be a string without zero bytes'],
  boolean: [(v) => typeof v === 'boolean', 'must be true or false'],
  milliseconds: [
    (v) => Number.isSafeInteger(v) && v >= 0,
    'must be a whole number of milliseconds, 0 or more',
  ],
  number: [(v) => typeof v === 'number' && Number.isFinite(v), 'must be a finite number'],
  count: [(v) => Number.isSafeInteger(v) && v >= 0, 'must be a whole number, 0 or more'],
};

function check(option, value, kind) {
  const [test, rule] = CHECKS[kind];
  if (!test(value)) throw configError(`${option} is ${shown(value)}: it ${rule}`);
}

// A variable that is not set must not send every replica to a store of its own.
function checkPresent(option, value) {
  if (value !== undefined && value !== null && value !== '') return;
  throw configError(
    `${option} is ${value === '' ? 'empty' : value}: leave it out to use the default, or give it a value ` +
      '(is an environment variable missing?)',
  );
}

function redisUrl(redis) {
  checkPresent('redis', redis);
  if (typeof redis !== 'object' || Array.isArray(redis)) {
    throw configError(
      `redis is ${shown(redis)}: it must be an object {host, port, username, password, db}`,
    );
  }
  refuseUnknown(redis, REDIS_OPTIONS, 'redis.');
  if (redis.tls !== undefined && redis.tls !== null && redis.tls !== false) {
    throw new InterrexError(
      'redis.tls is not built into this version: it can not connect with TLS',
      'UNSUPPORTED',
    );
  }
  const { host = 'localhost', port = 6379, username, password, db = 0 } = redis;
  if ('host' in redis) checkPresent('redis.host', redis.host);
  check('redis.host', host, 'text');
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw configError(`redis.port is ${shown(port)}: it must be a whole number from 1 to 65535`);
  }
  if (!Number.isInteger(db) || db < 0) {
    throw configError(`redis.db is ${shown(db)}: it must be a whole number, 0 or more`);
  }
  if (username != null) check('redis.username', username, 'text');
  if (password != null && (typeof password !== 'string' || password.includes('\0'))) {
    throw configError('redis.password (***) must be a string without zero bytes');
  }
  if (username && !password) throw configError('redis.username is given without redis.password');
  const credentials = password
    ? `${encodeURIComponent(username ?? '')}:${encodeURIComponent(password)}@`
    : '';
  const authority = host.includes(':')
    ? `[${host.replace(/^\[|\]$/g, '')}]`
    : encodeURIComponent(host);
  return `redis://${credentials}${authority}:${port}/${db}`;
}

function urlOf(options) {
  const hasUrl = 'url' in options;
  if (hasUrl && 'redis' in options)
    throw configError('url and redis are both given: give one of them');
  if ('redis' in options) return redisUrl(options.redis);
  if (!hasUrl) return null;
  checkPresent('url', options.url);
  if (options.url instanceof URL) return options.url.href;
  if (typeof options.url !== 'string' || options.url.includes('\0')) {
    throw configError('url must be a string without zero bytes, or a URL');
  }
  return options.url;
}

// The bytes of what this member says of itself.
function metaOf({ meta = null }) {
  try {
    return encodeMeta(meta);
  } catch (error) {
    throw configError(error.message);
  }
}

/** Those of `known` that an object has, each a text; what is undefined is not there. */
function textsOf(object, known) {
  if (object === null || typeof object !== 'object' || Array.isArray(object)) {
    throw configError(`the options are ${shown(object)}: they must be an object`);
  }
  refuseUnknown(object, known, '');
  const given = known.filter((option) => object[option] !== undefined);
  for (const option of given) check(option, object[option], 'text');
  return Object.fromEntries(given.map((option) => [option, object[option]]));
}

/** The options as {url, pairs, meta, stallLimitMs}: a URL or null, the core's keys and values in turn, bytes. */
function shape(options) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw configError(
      `the options are ${shown(options)}: they must be an object, at least { name }`,
    );
  }
  refuseUnknown(options, OPTIONS, '');
  if (options.name === undefined)
    throw configError('name is missing: members with the same name contend');
  const pairs = [];
  for (const [option, key, kind] of TABLE) {
    const value =
      option === 'stallLimit' ? (options.stallLimit ?? DEFAULT_STALL_LIMIT_MS) : options[option];
    if (value === undefined) continue;
    check(option, value, kind);
    pairs.push(key, String(value));
  }
  const meta = metaOf(options);
  if (meta.length > 0) pairs.push('meta', meta.toString());
  const stallLimitMs = options.stallLimit ?? DEFAULT_STALL_LIMIT_MS;
  return { url: urlOf(options), pairs, meta, stallLimitMs };
}

/** The core's story told in the names of this language: heartbeat_ms is heartbeat here. */
function retell(error) {
  const told = error.message;
  let message = told.replaceAll('irx_schema()', 'schema()');
  for (const [option, key] of TABLE) {
    message = message.replace(new RegExp(`\\b${key}\\b`, 'g'), option);
  }
  if (message === told) return error;
  error.message = message;
  error.stack = error.stack.replace(told, () => message); // which had the message when it was made
  return error;
}

module.exports = { shape, textsOf, retell, urlOf };
