// The same through an ES module.
import Default, { Candidate, type Instance } from 'interrex/compat/node-raft-redis';
import { exactly } from './exact.js';

const candidate: Candidate = new Default({ redis: {} });
exactly<Promise<Instance[]>>()(candidate.getInstances(), true);
exactly<typeof Candidate>()(Default, true);
