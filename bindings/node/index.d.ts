/// <reference types="node" />
import { EventEmitter } from 'node:events';

/** What JSON carries: of members' meta, messages and the published value. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** What this member is at this moment. */
export type Role = 'stopped' | 'follower' | 'candidate' | 'leader' | 'draining';

/** What is promised about two leaders at one instant. See docs/guarantees.md. */
export type Guarantee = 'none' | 'kernel' | 'exclusive' | 'majority' | 'term';

/** Why a leadership ended. */
export type LossReason =
  | 'resigned'
  | 'transferred'
  | 'stopped'
  | 'expired'
  | 'cut-off'
  | 'presence-lost'
  | 'superseded'
  | 'record-lost'
  | 'store-changed'
  | 'clock-jump'
  | 'host-stalled'
  | 'forked';

/** The codes of {@link InterrexError}. */
export type ErrorCode =
  | 'CONFIG'
  | 'MISMATCH'
  | 'UNSUPPORTED'
  | 'NO_MEMORY'
  | 'FORKED'
  | 'STATE'
  | 'STOPPED'
  | 'NOT_LEADER'
  | 'NO_MEMBER'
  | 'TIMEOUT'
  | 'UNREACHABLE'
  | 'AUTH'
  | 'UNAVAILABLE'
  | 'FULL'
  | 'FOREIGN'
  | 'PROTOCOL'
  | 'SYSTEM'
  | 'OVERFLOW'
  | 'TOO_LARGE';

export class InterrexError extends Error {
  constructor(message: string, code: ErrorCode);
  readonly name: 'InterrexError';
  readonly code: ErrorCode;
  /** Of the reason of a leadership's aborted signals: why it ended. */
  readonly reason?: LossReason;
}

/** A Redis server, in place of a `redis:` URL. */
export interface RedisOptions {
  /** Default `localhost`. Present but undefined, null or empty is an error. */
  host?: string;
  /** Default 6379. */
  port?: number;
  username?: string | null | undefined;
  password?: string | null | undefined;
  /** Default 0. */
  db?: number;
  /** TLS is not built into this version. */
  tls?: false | undefined;
}

interface CommonOptions<Meta> {
  /** Members with the same place, namespace and name contend. 1 to 128 printable characters. */
  name: string;
  /** Prefix of keys, channels and files. Default `interrex`. */
  namespace?: string | undefined;
  /** How leadership is agreed on: `quorum` on Redis and `memory:`. Default `lease`. */
  protocol?: 'lease' | 'quorum' | undefined;
  /** A pair of heartbeat and timeout: `swift` is 50 and 250 ms, `wide` is 1000 and 6000 ms. */
  profile?: 'swift' | 'wide' | undefined;
  /** How often a leader renews, in milliseconds. Default 300. */
  heartbeat?: number | undefined;
  /** How long a leadership lives unrenewed, in milliseconds; at least three heartbeats. Default 1500. */
  timeout?: number | undefined;
  /** Whether a dead leader's presence may end its term before the deadline. Default `fast` where presence exists. */
  takeover?: 'fast' | 'safe' | undefined;
  /** How often the next in line checks the leader's presence, in milliseconds (Redis). Default 25. */
  probe?: number | undefined;
  /** Who this is, for people. Default `host:pid`. */
  label?: string | undefined;
  /** What this member says of itself to all others: anything JSON carries, up to 4 KiB. Default null. */
  meta?: Meta | undefined;
  /** False: observe and talk only, never lead, vote or count. Default true. */
  candidate?: boolean | undefined;
  /** Longest silence of this event loop before leadership is given up, in milliseconds; 0: never. Default 30000. */
  stallLimit?: number | undefined;
  /** How long leader work may still run once leadership is given up, in milliseconds. Default 5000. */
  drainLimit?: number | undefined;
  /** `start()` rejects if not taking part by then, in milliseconds. Default: it waits. */
  startTimeout?: number | undefined;
  /** How far any member's clock rate may be from true. Default 0.005. */
  drift?: number | undefined;
  /** Bound of the member table. Default 1024. */
  maxMembers?: number | undefined;
  /** False: make no table in PostgreSQL; `schema()` says what is to be there. Default true. */
  createTable?: boolean | undefined;
}

/** Give `url`, or `redis`, or neither: then `$INTERREX_URL`, else `local:` with a warning. */
export type ElectionOptions<Meta = Json> = CommonOptions<Meta> &
  ({ url?: string | URL; redis?: never } | { url?: never; redis: RedisOptions });

/** Where the table of {@link schema} is: what the URL's `?schema=` and the option `namespace` say. */
export interface SchemaOptions {
  /** Default: the first schema of the search path. */
  schema?: string | undefined;
  /** Default `interrex`; the table is called `interrex_ledger` then. */
  namespace?: string | undefined;
}

/** A fencing token: `term` grows at every acquisition by anyone. */
export interface Token {
  readonly term: number;
  readonly incarnation: string;
}

export interface Leader<Meta = Json> {
  /** The session of the leader. */
  readonly id: string;
  readonly label: string;
  readonly term: number;
  /** What it says of itself, as far as known here. */
  readonly meta: Meta | null;
}

export interface Member<Meta = Json> {
  readonly id: string;
  readonly label: string;
  readonly role: 'leader' | 'follower';
  /** Whether it may lead. */
  readonly candidate: boolean;
  /** What it says of itself; null if nothing. */
  readonly meta: Meta | null;
  /** Since the table that names it was received. */
  readonly lastSeenMs: number;
}

export interface Metrics {
  /** Leaderships won. */
  readonly elected: number;
  /** Leaderships ended. */
  readonly defeated: number;
  readonly defeatedBy: Readonly<Record<LossReason, number>>;
  /** Confirmed renewals. */
  readonly renewals: number;
  /** Operations sent to the medium. */
  readonly operations: number;
  /** Operations that failed or timed out. */
  readonly failures: number;
  /** Connections lost or refused. */
  readonly reconnects: number;
  readonly eventsDropped: number;
  /** Messages, the protocol's own among them; as in the two below. */
  readonly messagesSent: number;
  readonly messagesReceived: number;
  /** Foreign, malformed, or of a newer version. */
  readonly messagesDropped: number;
  readonly lastRoundTripMs: number;
}

export interface Defeat<Meta = Json> {
  readonly term: number;
  readonly reason: LossReason;
  /** Who leads now, if known. */
  readonly leader: Leader<Meta> | null;
}

/** Of the published value: values compare by term, then by index. */
export interface Version {
  readonly term: number;
  readonly index: number;
}

export interface ReceivedMessage<Message = Json> {
  readonly data: Message;
  /** The id of the member that sent it. */
  readonly from: string;
  /** Whether that member led when it sent this. */
  readonly fromLeader: boolean;
}

export interface PublishedValue<Value = Json> {
  readonly version: Version;
  readonly value: Value;
}

/** For whom a message is: the leader, its followers, all members, or the one with this id. Never oneself. */
export type Audience = 'leader' | 'followers' | 'all' | (string & {});

/** One leadership of this member. Once over it stays over, even if the member leads again. */
export interface Leadership {
  readonly term: number;
  readonly token: Token;
  /** Aborts when leadership is over; its reason is an {@link InterrexError} with a `reason`. */
  readonly signal: AbortSignal;
  /** Aborts when leadership is being given up: take nothing new, finish what runs. At the latest with `signal`. */
  readonly draining: AbortSignal;
  /** Milliseconds left; 0 once it is over, Infinity where no deadline is needed. */
  remaining(): number;
  /** True inside the deadline, draining included, with at least `needMs` left. */
  check(needMs?: number): boolean;
}

export interface ElectionEvents<Meta = Json, Value = Json, Message = Json> {
  elected: [leadership: Leadership];
  defeated: [defeat: Defeat<Meta>];
  leader: [leader: Leader<Meta> | null];
  role: [role: Role, previous: Role];
  members: [members: Member<Meta>[]];
  message: [message: ReceivedMessage<Message>];
  value: [published: PublishedValue<Value>];
  warning: [warning: InterrexError];
  error: [error: InterrexError];
}

export interface WhenLeaderOptions {
  signal?: AbortSignal | undefined;
}

export interface LeadOptions {
  /** Stops leading: leadership is given up (unless `keep`), and lead() rejects once the function has settled. */
  signal?: AbortSignal | undefined;
  /** Keep leadership when the function settles. Default false: resign. */
  keep?: boolean | undefined;
}

/**
 * A member of an election.
 *
 * Without a listener `error` and `warning` go to `process.emitWarning`. A started election keeps the process alive
 * unless `unref()`, and is not collected before `stop()`.
 *
 * `Meta` is what members say of themselves, `Value` the published value, `Message` what they send one another.
 */
export class Election<Meta = Json, Value = Json, Message = Json>
  extends EventEmitter<ElectionEvents<Meta, Value, Message>>
  implements AsyncDisposable
{
  /** @throws {@link InterrexError} of the code `CONFIG` or `UNSUPPORTED` */
  constructor(options: ElectionOptions<Meta>);

  /** Resolves when taking part: connected, role known. Called again it gives the same promise. */
  start(): Promise<void>;
  /** Gives up leadership (draining first) and leaves. Legal in any state; `start()` begins anew. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;

  /** True only inside the deadline of a leadership that is not draining, with at least `needMs` left. */
  isLeader(needMs?: number): boolean;
  /** Never `leader` when `isLeader()` is false. */
  readonly role: Role;
  /** The session of this start, 32 hex digits; null before the first. */
  readonly id: string | null;
  /** The highest known term of the leadership in force here or elsewhere; 0 if none is known. */
  readonly term: number;
  /** Of the leadership in force here, or null. */
  readonly token: Token | null;
  /** Who leads, as far as known here. */
  readonly leader: Leader<Meta> | null;
  readonly guarantee: Guarantee;

  /** Resolves while leading, or as soon as elected. Rejects with `signal.reason`, or with the code `STOPPED`. */
  whenLeader(options?: WhenLeaderOptions): Promise<Leadership>;
  /**
   * Runs `fn` when elected; on loss aborts `leadership.signal`, awaits `fn`, and runs it again when re-elected. When
   * `fn` settles: resigns unless `keep`, and settles alike. `stop()` while waiting rejects with the code `STOPPED`.
   */
  lead<Result>(
    fn: (leadership: Leadership) => Result,
    options?: LeadOptions,
  ): Promise<Awaited<Result>>;

  /** Gives leadership up, resolves when it is over, and contends again 1.5 timeouts later. Rejects with `NOT_LEADER`. */
  resign(): Promise<void>;
  /** Gives leadership to the candidate with this id. Rejects with `NOT_LEADER` or `NO_MEMBER`. */
  transfer(id: string): Promise<void>;

  /** Everyone who takes part, in the order of joining, as last heard. */
  members(): Member<Meta>[];
  /** What this member says of itself. */
  readonly meta: Meta | null;
  /**
   * Changes what this member says of itself, to all others; up to 4 KiB of JSON. Resolves once it is written; before
   * `start()` at once.
   */
  setMeta(value: Meta | null): Promise<void>;

  /**
   * Sends a value to others, up to 64 KiB of JSON (on PostgreSQL 5,901 bytes): at most once, in order per sender, and
   * never to oneself. Resolves when the medium took it. Rejects with `NO_MEMBER` (nobody to send to), `STATE` (the
   * leader, to the leader), `STOPPED`, or what kept it from leaving; such a rejection is no unhandled one where nobody
   * looks. A value that JSON can't carry is a `TypeError`, one that is too large has the code `TOO_LARGE`.
   */
  send(to: Audience, value: Message): Promise<void>;

  /** The newest published value that arrived here; null if there is none. */
  readonly value: Value | null;
  /**
   * Publishes a value, up to 64 KiB of JSON, which every member receives and the next leader inherits. Resolves once it
   * is durable in the medium. Rejects with `NOT_LEADER`; another code says that it may have been written.
   */
  publish(value: Value): Promise<{ readonly version: Version }>;

  metrics(): Metrics;
  /** The last transitions, one per line, oldest first. */
  history(): string[];

  /** Keeps the process alive while started (the default). */
  ref(): this;
  /** Lets the process end while started. */
  unref(): this;
}

/**
 * The SQL that creates what a `postgres:` election needs, for `createTable: false`: run by a migration, or by whoever
 * owns the database. It may be run again where it is there.
 *
 * @throws {@link InterrexError} of the code `CONFIG` where PostgreSQL can't have such names
 */
export function schema(options?: SchemaOptions): string;

/** The version of the library. */
export const version: string;
