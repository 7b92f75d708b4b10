// The declared types, checked by tsc alone: what is promised compiles, what is a mistake does not.
import type { EventEmitter } from 'node:events';
import {
  Election,
  InterrexError,
  version,
  type Defeat,
  type ElectionOptions,
  type ErrorCode,
  type Guarantee,
  type Leader,
  type Leadership,
  type LossReason,
  type Member,
  type Metrics,
  type Role,
  type Token,
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
// @ts-expect-error an object is required
new Election();

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
// @ts-expect-error not in this version
void election.send;
// @ts-expect-error not in this version
void election.publish;

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
// @ts-expect-error this is not a code
new InterrexError('text', 'WRONG');
