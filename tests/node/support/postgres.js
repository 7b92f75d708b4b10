'use strict';
// A real PostgreSQL server on a free port, in a directory of its own, by the program that the tests of all languages share.

const assert = require('node:assert/strict');
const { execFile, spawn } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');
const { after, before } = require('node:test');
const { promisify } = require('node:util');
const { InterrexError } = require('interrex');
const { next } = require('./elections.js');

const PROGRAM = path.join(__dirname, '../../support/private_postgres.py');

class PostgresServer {
  constructor(args) {
    // It ends its server when this pipe closes, so also when this process is killed.
    this.process = spawn('python3', [PROGRAM, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.lines = readline.createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async line() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`the PostgreSQL server of this test ended, ${await this.gone}`);
    return value;
  }

  async obey(word) {
    this.process.stdin.write(`${word}\n`);
    await this.line();
  }

  /** What psql answers: columns separated by |, rows by a line feed. Rejects with an error of the server. */
  async say(sql) {
    const where = ['-h', this.directory, '-p', `${this.port}`, '-U', 'postgres'];
    const args = ['-XAtq', '-v', 'ON_ERROR_STOP=1', ...where, '-c', sql, 'postgres'];
    const { stdout } = await promisify(execFile)(this.psql, args);
    return stdout.trimEnd();
  }

  /** SIGKILL to all of its processes; restart() brings it back on the same port, with its data. */
  kill = () => this.obey('kill');
  /** Clients are told. */
  shutdown = () => this.obey('shutdown');
  restart = () => this.obey('restart');
  freeze = () => this.obey('freeze');
  thaw = () => this.obey('thaw');

  async stop() {
    this.process.stdin.end();
    await this.gone;
  }
}

/**
 * `url` and `socketUrl` lead to it. With `secure` TCP takes TLS and a password only: the URL has both.
 * `settings` are lines of postgresql.conf.
 */
async function startPostgres({ maxConnections = 50, fsync = true, secure, settings = [] } = {}) {
  const args = ['--max-connections', `${maxConnections}`];
  if (!fsync) args.push('--no-fsync');
  if (secure) args.push('--secure');
  for (const setting of settings) args.push('--setting', setting);
  const server = new PostgresServer(args);
  return Object.assign(server, JSON.parse(await server.line()));
}

/** A server for the tests of a group: it is `place.server` once they run. */
function withServer(options) {
  const place = {};
  before(async () => (place.server = await startPostgres(options)));
  after(() => place.server.stop());
  return place;
}

/** The first error that the election tells of. */
async function trouble(election) {
  const [error] = await next(election, 'error');
  assert.ok(error instanceof InterrexError);
  return error;
}

module.exports = { startPostgres, trouble, withServer };
