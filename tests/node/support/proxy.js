'use strict';
// A TCP proxy before a server of a test, which can fall silent: connections stay open, and nothing passes any more.

const net = require('node:net');

async function startProxy(t, port) {
  const sockets = new Set();
  let silent = false;
  const server = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(from);
      from.on('data', (data) => silent || to.write(data));
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: server.address().port,
    /** From now on nothing passes, in either direction. */
    silence: () => (silent = true),
  };
}

module.exports = { startProxy };
