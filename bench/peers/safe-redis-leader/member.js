'use strict';
// safe-redis-leader with the numbers of its page: it has no defaults.
//
//     node member.js PORT KEY

const Redis = require('ioredis');
const { createSafeRedisLeader } = require('safe-redis-leader');
const { observe } = require('../observe.js');

const [port, key] = process.argv.slice(2);

async function main() {
  const asyncRedis = new Redis({ host: '127.0.0.1', port: Number(port) });
  const leader = await createSafeRedisLeader({ asyncRedis, ttl: 1500, wait: 3000, key });
  leader.on('error', (error) => console.error(error));
  await leader.elect();
  observe(() => leader.isLeader());
}

main();
