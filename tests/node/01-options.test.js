'use strict';
// Every mistake in the options is an error at once, which names the option, the value and the rule.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { Election, InterrexError } = require('interrex');

function refused(options, pattern, code = 'CONFIG') {
  assert.throws(
    () => new Election(options),
    (error) => {
      assert.ok(error instanceof InterrexError, `${error}`);
      assert.equal(error.name, 'InterrexError');
      assert.equal(error.code, code);
      assert.match(error.message, pattern);
      return true;
    },
  );
}

const good = { name: 'options', url: 'memory:' };

describe('options', () => {
  it('must be an object with a name', () => {
    for (const options of [undefined, null, 'billing', 7, []])
      refused(options, /options are .* must be an object/);
    refused({ url: 'memory:' }, /name is missing/);
    refused({ ...good, name: 7 }, /name is 7: it must be a string/);
    refused({ ...good, name: '' }, /name/);
    refused({ ...good, name: 'x'.repeat(129) }, /name/);
    refused({ ...good, name: 'a\0b' }, /name .*zero bytes/);
    refused({ ...good, name: 'a\nb' }, /name/);
  });

  it('that are misspelt get a suggestion', () => {
    refused({ ...good, hearbeat: 100 }, /hearbeat is not an option: did you mean "heartbeat"/);
    refused({ ...good, heartbeatMs: 100 }, /did you mean "heartbeat"/);
    refused({ ...good, time_out: 100 }, /did you mean "timeout"/);
    refused({ ...good, drainlimit: 100 }, /did you mean "drainLimit"/);
    refused({ name: 'options', ulr: 'memory:' }, /did you mean "url"/);
    refused(
      { name: 'options', redis: { prot: 6379 } },
      /redis\.prot .* did you mean "redis\.port"/,
    );
  });

  it('that are unknown are told which there are', () => {
    refused(
      { ...good, ttl: 1, lockDuration: 3 },
      /is not an option: the options are url, redis, meta, name, /,
    );
  });

  it('of the wrong type name the value and the rule', () => {
    refused(
      { ...good, heartbeat: '300' },
      /heartbeat is "300": it must be a whole number of milliseconds/,
    );
    refused({ ...good, heartbeat: 33.3 }, /heartbeat is 33.3/);
    refused({ ...good, timeout: -1 }, /timeout is -1/);
    refused({ ...good, timeout: Infinity }, /timeout is Infinity/);
    refused({ ...good, timeout: null }, /timeout is null/);
    refused({ ...good, candidate: 'yes' }, /candidate is "yes": it must be true or false/);
    refused({ ...good, drift: NaN }, /drift is NaN/);
    refused({ ...good, label: {} }, /label is a value of type object/);
  });

  it('out of range are the core to judge, in the names of this language', () => {
    for (const [option, value] of [
      ['heartbeat', 1],
      ['timeout', 86_400_000],
      ['probe', 0],
    ]) {
      refused({ ...good, [option]: value }, new RegExp(`(^|\\W)${option}\\W(?!.*_ms)`));
    }
    refused({ ...good, heartbeat: 300, timeout: 600 }, /timeout/);
    refused({ ...good, protocol: 'paxos' }, /protocol.*paxos/);
    refused({ ...good, takeover: 'never' }, /takeover.*never/);
    refused({ ...good, profile: 'fast' }, /profile.*fast/);
  });

  it('that are undefined are left out', () => {
    const election = new Election({
      ...good,
      label: undefined,
      timeout: undefined,
      namespace: undefined,
    });
    assert.equal(election.role, 'stopped');
  });
});

describe('where it is held', () => {
  it('a variable that is missing must not become a default', () => {
    for (const url of [undefined, null, ''])
      refused({ name: 'options', url }, /url is (undefined|null|empty)/);
    refused({ name: 'options', redis: undefined }, /redis is undefined/);
    refused({ name: 'options', redis: { host: undefined } }, /redis\.host is undefined/);
    refused({ name: 'options', redis: { host: '' } }, /redis\.host is empty/);
  });

  it('a scheme that nobody knows, or that is not built in, is named', () => {
    refused({ name: 'options', url: 'etcd://localhost' }, /etcd/);
    refused({ name: 'options', url: 'localhost:6379' }, /localhost/);
    refused({ name: 'options', url: 'rediss://localhost' }, /rediss/, 'UNSUPPORTED');
    refused(
      { name: 'options', url: 'redis+sentinel://a:1/main' },
      /redis\+sentinel/,
      'UNSUPPORTED',
    );
    refused({ name: 'options', url: 7 }, /url must be a string/);
  });

  it('credentials are never shown', () => {
    for (const options of [
      { name: 'options', url: 'redis://someone:s3cret@localhost:99999' },
      { name: 'options', url: 'redis://someone:s3cret@localhost/notanumber' },
      { name: 'options', redis: { password: { s3cret: 1 } } },
      { name: 'options', redis: { password: 's3cret', port: 0 } },
    ]) {
      assert.throws(
        () => new Election(options),
        (error) =>
          error.code === 'CONFIG' && !`${error.stack}`.split('\n    at')[0].includes('s3cret'),
      );
    }
  });

  it('redis: {…} is checked like the rest', () => {
    refused({ ...good, redis: {} }, /url and redis are both given/);
    refused({ name: 'options', redis: 'localhost' }, /redis is "localhost": it must be an object/);
    refused({ name: 'options', redis: { port: '6379' } }, /redis\.port is "6379": .*1 to 65535/);
    refused({ name: 'options', redis: { port: 70000 } }, /redis\.port is 70000/);
    refused({ name: 'options', redis: { db: -1 } }, /redis\.db is -1/);
    refused(
      { name: 'options', redis: { username: 'u' } },
      /redis\.username .* without redis\.password/,
    );
    refused(
      { name: 'options', redis: { tls: {} } },
      /redis\.tls is not built into this version/,
      'UNSUPPORTED',
    );
  });

  it('redis: {…} with awkward characters makes a URL that means the same', () => {
    for (const redis of [
      {},
      { host: '::1', port: 6380, db: 3 },
      { host: 'redis', username: 'a:b@c', password: 'p/w?#% ü', db: 0, tls: false },
      { password: 'p', username: null },
    ]) {
      assert.equal(new Election({ name: 'options', redis }).role, 'stopped');
    }
  });

  it('a URL object will do', () => {
    assert.equal(
      new Election({ name: 'options', url: new URL('redis://localhost:6379/1') }).role,
      'stopped',
    );
  });
});
