// The types of interrex/compat/node-raft-redis: what users of that package wrote compiles, by name and by default.
import type { EventEmitter } from 'node:events';
import type { Election, InterrexError } from 'interrex';
import Default, {
  Candidate,
  type Instance,
  type Options,
  type State,
} from 'interrex/compat/node-raft-redis';
import { exactly } from './exact.js';

const options: Options = {
  redis: { host: 'localhost', port: 6379 },
  kind: 'my-service',
  meta: { someKey: 1 },
};
const candidate = new Candidate(options);
new Default({ redis: { url: 'redis://alice:secret@redis.example:6380' }, candidate: false });
const emitter: EventEmitter = candidate;
void emitter;

exactly<Promise<void>>()(candidate.start(), true);
exactly<Promise<void>>()(candidate.stop(), true);
exactly<Promise<void>>()(candidate.reelect(), true);
exactly<Promise<void>>()(candidate.stepdown(), true);
exactly<Promise<void>>()(candidate.messageFollowers('text'), true);
exactly<Promise<void>>()(candidate.messageLeader({ any: 1 }), true);
exactly<Promise<void>>()(candidate.messageTo('id', 1), true);
exactly<Promise<void>>()(candidate.messageAll(null), true);
exactly<Promise<Instance[]>>()(candidate.getInstances(), true);
exactly<Promise<Instance | undefined>>()(candidate.getLeader(), true);
exactly<Promise<void>>()(candidate.setMeta({ someKey: 2 }), true);
exactly<string>()(candidate.id, true);
exactly<State>()(candidate.state, true);
exactly<number>()(candidate.currentTerm, true);
exactly<Election<any, any, any>>()(candidate.election, true); // eslint-disable-line @typescript-eslint/no-explicit-any

candidate.on('elected', () => candidate.messageFollowers('Hello'));
candidate.on('defeated', (leader) => exactly<string | undefined>()(leader, true));
candidate.on('statechange', (state) => exactly<State>()(state, true));
candidate.on('message', ({ message, from }: { message: string; from: string }) => [message, from]);
candidate.on('message:from:leader', ({ from }) => exactly<string>()(from, true));
candidate.on('message:from:follower', ({ message }) => message.whatever);
candidate.on('error', (error) => exactly<InterrexError>()(error, true));

// @ts-expect-error a server is required
new Candidate({ kind: 'my-service' });
// @ts-expect-error it is misspelt
new Candidate({ redis: {}, knid: 'my-service' });
// @ts-expect-error it is read only
candidate.state = 'leader';
// @ts-expect-error it is read only
candidate.id = 'mine';
