'use strict';
// Runs a group of tests once per medium: in this process, in a directory of its own, on servers of its own.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe } = require('node:test');
const { startPostgres } = require('./postgres.js');
const { startRedis } = require('./redis.js');

const MEDIA = {
  async memory() {
    return { url: 'memory:', close() {} };
  },
  async local() {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'interrex-local-'));
    return {
      url: `local://${directory}`,
      directory,
      close: () => fs.rmSync(directory, { recursive: true }),
    };
  },
  async redis() {
    const server = await startRedis();
    return { url: server.url, server, close: () => server.stop() };
  },
  async postgres() {
    const server = await startPostgres();
    return { url: server.url, server, close: () => server.stop() };
  },
};

/** body(place, medium): `place.url` is known once the tests run, `concurrency` of them at a time. */
function onEvery(media, body, concurrency = 1) {
  for (const medium of media) {
    describe(`${medium}:`, { concurrency }, () => {
      const place = {};
      before(async () => Object.assign(place, await MEDIA[medium]()));
      after(() => place.close());
      body(place, medium);
    });
  }
}

module.exports = {
  onEveryMedium: (body) => onEvery(Object.keys(MEDIA), body),
  // For tests that mostly wait until members know each other, and neither block this thread nor end a connection.
  sideBySide: (body) => onEvery(Object.keys(MEDIA), body, 6),
  onSharedMedia: (body) => onEvery(['local', 'redis', 'postgres'], body), // those that several processes can meet at
  onMedia: onEvery,
  onMedium: (medium, body) => onEvery([medium], body),
};
