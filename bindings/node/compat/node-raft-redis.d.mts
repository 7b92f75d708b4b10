export * from './node-raft-redis.js';
export { Candidate as default } from './node-raft-redis.js';
