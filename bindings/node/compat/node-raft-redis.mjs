import compat from './node-raft-redis.js';

export const { Candidate } = compat;
export default Candidate;
