'use strict';
// Asks a Redis server, once and in passing, whether somebody listens on a channel: that is how the instances of the
// package that a compat module stands in for are noticed. It speaks just enough of Redis's protocol to ask that. It
// holds up nothing, keeps no process alive, and where it can't know it says no: it must never be needed.

const net = require('node:net');

const LIMIT_MS = 2000;

function words(...args) {
  return `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`;
}

// Where the socket goes, and who knocks; null for what this can not speak to.
function target(url) {
  const { protocol, hostname, port, pathname, username, password } = new URL(url);
  const credentials = [username, password].map(decodeURIComponent).filter(Boolean);
  if (protocol === 'redis+socket:') return { path: decodeURIComponent(pathname), credentials };
  if (protocol !== 'redis:') return null;
  const host = decodeURIComponent(hostname).replace(/^\[|\]$/g, '');
  return { host: host || 'localhost', port: Number(port || 6379), credentials };
}

/** Resolves with whether anybody is subscribed to the channel; `signal` takes the question back. */
function isListenedTo(url, channel, signal) {
  return new Promise((resolve) => {
    let where;
    try {
      where = target(url);
    } catch {
      where = null; // the core takes URLs that this one does not
    }
    if (where === null || signal.aborted) return resolve(false);
    const { credentials, ...address } = where;
    const socket = net.connect(address).unref();
    const end = () => socket.destroy();
    let reply = '';
    socket.setTimeout(LIMIT_MS, end);
    signal.addEventListener('abort', end, { once: true });
    socket.on('connect', () => {
      if (credentials.length > 0) socket.write(words('AUTH', ...credentials));
      socket.write(words('PUBSUB', 'NUMSUB', channel) + words('QUIT'));
    });
    socket.on('data', (data) => (reply += data));
    socket.on('error', end);
    socket.on('close', () => {
      signal.removeEventListener('abort', end);
      const [, count = '0'] = /\r\n:(\d+)\r\n\+OK\r\n$/.exec(reply) ?? [];
      resolve(Number(count) > 0);
    });
  });
}

module.exports = { isListenedTo };
