// The declared types, checked by tsc alone: what is promised compiles, what is a mistake does not.
import type { EventEmitter } from 'node:events';
import {
  Election,
  InterrexError,
  schema,
  version,
  type Defeat,
  type ElectionOptions,
  type ErrorCode,
  type Guarantee,
  type Json,
  type Leader,
  type Leadership,
  type LossReason,
  type Member,
  type Metrics,
  type PublishedValue,
  type ReceivedMessage,
  type Role,
  type Token,
  type Version,
} from 'interrex';
import { exactly } from './exact.js';

// ---- options -------------------------------------------------------------------------------------

const url = process.env['REDIS_URL'];
const election = new Election({ name: 'billing', url: 'redis://localhost' });
new Election({ name: 'billing' });
new Election({ name: 'billing', url: new URL('redis://localhost') });
new Election({
  name: 'billing',
  redis: { host: 'localhost', port: 6379, password: undefined, db: 1 },
});
new Election({
  name: 'billing',
  profile: 'swift',
  takeover: 'safe',
  candidate: false,
  stallLimit: 0,
});
new Election({ name: 'billing', label: process.env['HOSTNAME'] });

new Election({ name: 'billing', url: 'postgres://localhost/app', createTable: false });

// @ts-expect-error a name is required
new Election({ url: 'memory:' });
// @ts-expect-error a variable that may be missing must be checked first
new Election({ name: 'billing', url });
// @ts-expect-error one place only
new Election({ name: 'billing', url: 'memory:', redis: {} });
// @ts-expect-error it is misspelt
new Election({ name: 'billing', hearbeat: 300 });
// @ts-expect-error milliseconds are numbers
new Election({ name: 'billing', heartbeat: '300' });
// @ts-expect-error no such protocol
new Election({ name: 'billing', protocol: 'paxos' });
// @ts-expect-error TLS comes later
new Election({ name: 'billing', redis: { tls: {} } });
// @ts-expect-error it is true or false
new Election({ name: 'billing', createTable: 'no' });
// @ts-expect-error an object is required
new Election();

exactly<string>()(schema(), true);
exactly<string>()(schema({ schema: 'app', namespace: 'billing' }), true);
exactly<string>()(schema({ namespace: process.env['NAMESPACE'] }), true);
// @ts-expect-error it is misspelt
schema({ nameSpace: 'billing' });
// @ts-expect-error a schema is named, not listed
schema({ schema: ['app'] });

const options: ElectionOptions = { name: 'billing', url: 'memory:' };
new Election(options);

// ---- the surface ---------------------------------------------------------------------------------

exactly<Promise<void>>()(election.start(), true);
exactly<Promise<void>>()(election.stop(), true);
exactly<Promise<void>>()(election.resign(), true);
exactly<Promise<void>>()(election.transfer('id'), true);
exactly<boolean>()(election.isLeader(), true);
exactly<boolean>()(election.isLeader(100), true);
exactly<Role>()(election.role, true);
exactly<string | null>()(election.id, true);
exactly<number>()(election.term, true);
exactly<Token | null>()(election.token, true);
exactly<Leader | null>()(election.leader, true);
exactly<Guarantee>()(election.guarantee, true);
exactly<Member[]>()(election.members(), true);
exactly<Metrics>()(election.metrics(), true);
exactly<string[]>()(election.history(), true);
exactly<Election>()(election.ref().unref(), true);
exactly<string>()(version, true);
const disposable: AsyncDisposable = election;
const emitter: EventEmitter = election;
void disposable;
void emitter;

// @ts-expect-error it is read only
election.role = 'leader';
// @ts-expect-error a number of milliseconds
election.isLeader('100');
// @ts-expect-error an id is required
election.transfer();

// ---- members to one another ----------------------------------------------------------------------

new Election({ name: 'billing', protocol: 'quorum', meta: { zone: 'a', weight: 1 } });
new Election({ name: 'billing', meta: undefined });
// @ts-expect-error JSON can not carry it
new Election({ name: 'billing', meta: () => 1 } satisfies ElectionOptions);

exactly<Json | null>()(election.meta, true);
exactly<Json | null>()(election.value, true);
exactly<Promise<void>>()(election.setMeta({ zone: 'b' }), true);
exactly<Promise<void>>()(election.setMeta(null), true);
exactly<Promise<void>>()(election.send('followers', [1, 'two', { three: null }]), true);
exactly<Promise<void>>()(election.send('0123456789abcdef0123456789abcdef', 'you'), true);
exactly<Promise<{ readonly version: Version }>>()(election.publish(7), true);
exactly<Json | null | undefined>()(election.members()[0]?.meta, true);
// @ts-expect-error to whom is it?
election.send({ data: 1 });
// @ts-expect-error JSON can not carry it
election.send('all', 1n);
// @ts-expect-error JSON can not carry it
election.send('all', undefined);
// @ts-expect-error it is published
election.value = 7;
// @ts-expect-error there is setMeta
election.meta = 7;

interface Instance {
  zone: string;
}
interface Plan {
  shards: string[];
}
type Command = { do: 'drain'; shard: string } | { do: 'report' };

const typed = new Election<Instance, Plan, Command>({ name: 'billing', meta: { zone: 'a' } });
exactly<Member<Instance>[]>()(typed.members(), true);
exactly<Instance | null>()(typed.meta, true);
exactly<Leader<Instance> | null>()(typed.leader, true);
exactly<Plan | null>()(typed.value, true);
exactly<Promise<void>>()(typed.send('leader', { do: 'report' }), true);
typed.on('message', (message) => exactly<ReceivedMessage<Command>>()(message, true));
typed.on('message', ({ data, from, fromLeader }) => {
  exactly<Command>()(data, true);
  exactly<string>()(from, true);
  exactly<boolean>()(fromLeader, true);
});
typed.on('value', (published) => exactly<PublishedValue<Plan>>()(published, true));
typed.on('value', ({ version, value }) => {
  exactly<number>()(version.term, true);
  exactly<number>()(version.index, true);
  exactly<Plan>()(value, true);
});
typed.on('defeated', ({ leader }) => exactly<Leader<Instance> | null>()(leader, true));
typed.on('members', (members) => exactly<Member<Instance>[]>()(members, true));
// @ts-expect-error not such a command
typed.send('leader', { do: 'dance' });
// @ts-expect-error not such a value
typed.publish('plan');
// @ts-expect-error not such a meta
typed.setMeta({ rack: 1 });
// @ts-expect-error not such a meta
new Election<Instance>({ name: 'billing', meta: { rack: 1 } });
// What the meta is tells what the members say.
exactly<Election<{ zone: string }>>()(new Election({ name: 'b', meta: { zone: 'a' } }), true);

// ---- leadership ----------------------------------------------------------------------------------

async function use(): Promise<void> {
  const leadership = await election.whenLeader({ signal: AbortSignal.timeout(1000) });
  exactly<Leadership>()(leadership, true);
  exactly<number>()(leadership.term, true);
  exactly<number>()(leadership.token.term, true);
  exactly<string>()(leadership.token.incarnation, true);
  exactly<AbortSignal>()(leadership.signal, true);
  exactly<AbortSignal>()(leadership.draining, true);
  exactly<number>()(leadership.remaining(), true);
  exactly<boolean>()(leadership.check(200), true);
  // @ts-expect-error it is read only
  leadership.token.term = 7;

  exactly<number>()(await election.lead(async () => 7), true);
  exactly<string>()(await election.lead(({ term }) => `${term}`, { keep: true }), true);
  exactly<Promise<void>>()(
    election.lead(async ({ signal }) => signal.throwIfAborted()),
    true,
  );
  // @ts-expect-error it takes a function
  await election.lead('work');
}

async function dispose(): Promise<void> {
  await using held = new Election({ name: 'billing' });
  await held.start();
}

void use;
void dispose;

// ---- events --------------------------------------------------------------------------------------

election.on('elected', (leadership) => exactly<Leadership>()(leadership, true));
election.on('defeated', (defeat) => exactly<Defeat>()(defeat, true));
election.on('defeated', ({ reason, leader }) => {
  exactly<LossReason>()(reason, true);
  exactly<Leader | null>()(leader, true);
});
election.once('leader', (leader) => exactly<Leader | null>()(leader, true));
election.on('role', (role, previous) => {
  exactly<Role>()(role, true);
  exactly<Role>()(previous, true);
});
election.on('members', (members) => exactly<Member[]>()(members, true));
election.on('warning', (warning) => exactly<InterrexError>()(warning, true));
election.on('error', (error) => {
  exactly<InterrexError>()(error, true);
  exactly<ErrorCode>()(error.code, true);
  exactly<LossReason | undefined>()(error.reason, true);
});
// @ts-expect-error a listener of one argument gets a Leadership
election.on('elected', (leadership: string) => leadership);

const error: Error = new InterrexError('text', 'CONFIG');
void error;
new InterrexError('text', 'TOO_LARGE');
// @ts-expect-error this is not a code
new InterrexError('text', 'WRONG');
