'use strict';
// A real redis-server on a free port in a directory of its own, and a client just large enough to ask it something.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const LIMIT_MS = 20_000;

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// One command on a connection of its own; resolves to the reply as text.
function command(port, args, password) {
  const encode = (words) =>
    `*${words.length}\r\n${words.map((w) => `$${Buffer.byteLength(w)}\r\n${w}\r\n`).join('')}`;
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    let reply = '';
    const quit = [...(password ? [['AUTH', password]] : []), args, ['QUIT']].map(encode).join('');
    socket.on('connect', () => socket.write(quit));
    socket.on('data', (data) => (reply += data));
    socket.on('error', reject);
    socket.on('close', () => (reply === '' ? reject(new Error('no reply')) : resolve(reply)));
  });
}

class RedisServer {
  constructor(directory, port, password) {
    Object.assign(this, { directory, port, password, process: null });
  }

  get url() {
    return `redis://${this.password ? `:${encodeURIComponent(this.password)}@` : ''}127.0.0.1:${this.port}`;
  }

  async run() {
    const args = [
      '--port',
      `${this.port}`,
      '--bind',
      '127.0.0.1',
      '--dir',
      this.directory,
      '--save',
      '',
    ];
    args.push('--appendonly', 'no', '--daemonize', 'no', '--maxmemory-policy', 'noeviction');
    if (this.password) args.push('--requirepass', this.password);
    this.process = spawn('redis-server', args, { stdio: 'ignore' });
    this.gone = new Promise((resolve) => this.process.once('exit', resolve));
    for (const end = Date.now() + LIMIT_MS; Date.now() < end; await sleep(10)) {
      if (this.process.exitCode !== null)
        throw new Error(`redis-server ended with ${this.process.exitCode}`);
      // Somebody else may have taken the port: the answer must be of this very process.
      const reply = await this.command('INFO', 'server').catch(() => '');
      if (reply.includes(`process_id:${this.process.pid}\r`)) return this;
    }
    throw new Error('redis-server did not answer');
  }

  command(...args) {
    return command(this.port, args, this.password);
  }

  /** Ends the server without a word to anyone; run() brings back an empty one on the same port. */
  async kill() {
    this.process.kill('SIGKILL');
    await this.gone;
  }

  async stop() {
    await this.kill();
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

async function startRedis({ password } = {}) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'interrex-redis-'));
  for (let attempt = 1; ; attempt++) {
    try {
      return await new RedisServer(directory, await freePort(), password).run();
    } catch (error) {
      if (attempt === 5) throw error; // before that somebody else may have taken the port
    }
  }
}

module.exports = { startRedis, freePort };
