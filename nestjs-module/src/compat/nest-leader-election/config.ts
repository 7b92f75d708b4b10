/**
 * The options of `nest-leader-election`, with the meaning that its page gives them, turned into those of an election.
 * Every value is checked here, so that an error names the option that was written; the rules of the protocol stay with
 * the core. A lease is never shortened or lengthened: where the two durations do not fit, renewals come more often.
 */
import { type ElectionOptions, InterrexError } from 'interrex';

export interface LeaderElectorConfig {
  /** The lease, in milliseconds: a leader that does not renew is succeeded after it. Default 10000. */
  leaseDuration?: number | undefined;
  /** How often the lease is renewed, in milliseconds; at most a third of it. Default 3000. */
  renewalInterval?: number | undefined;
  /** Accepted, and without effect: all waiting here is jittered anyway. */
  jitterRange?: number | undefined;
  /** Accepted, and without effect: there is nothing to clean. */
  baseCleanInterval?: number | undefined;
  /** Members with the same database, schema and lock contend. Default 1. */
  lockId?: number | undefined;
  /** A name for people, `leader_id` in the view. Two members of the same name are two members. Default host:pid. */
  instanceId?: string | undefined;
  /** Where the tables are. Default `public`. */
  schema?: string | undefined;
  /** False: a migration makes table and view. Default true. */
  createTableOnInit?: boolean | undefined;
  /** False: take part without ever leading, while instances of the old package still run. Default true. */
  candidate?: boolean | undefined;
  /** A `postgres://` URL as libpq reads it, instead of the settings of the DataSource. */
  url?: string | undefined;
}

/** What an elector goes by. `warnings` are for the log. */
export interface Settings {
  readonly lockId: number;
  readonly schema: string;
  readonly createTable: boolean;
  readonly url: string | undefined;
  readonly election: Omit<ElectionOptions, 'url' | 'redis'>;
  readonly warnings: readonly string[];
}

export const DEFAULT_SCHEMA = 'public';
const DEFAULT_LEASE_MS = 10_000;
const DEFAULT_RENEWAL_MS = 3_000;
const LEASE_MS = { min: 30, max: 600_000 };
const RENEWAL_MS = { min: 10, max: 60_000 };
/** What an election has by default. */
const STALL_LIMIT_MS = 30_000;
const INT4_MAX = 2 ** 31 - 1;
const INSTANCE_ID_BYTES = 128;
const SCHEMA_BYTES = 63;
const SHOWN_BYTES = 80;

export function configError(message: string): InterrexError {
  return new InterrexError(message, 'CONFIG');
}

interface Kind {
  test(value: unknown): boolean;
  rule: string;
}

const whole = (min: number, max: number, unit: string): Kind => ({
  test: (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
  rule: `must be a whole number${unit} from ${min} to ${max}`,
});
const flag: Kind = { test: (value) => typeof value === 'boolean', rule: 'must be true or false' };
const text = (maxBytes: number): Kind => ({
  test: (value) =>
    typeof value === 'string' &&
    value !== '' &&
    Buffer.byteLength(value) <= maxBytes &&
    !/\p{Cc}/u.test(value),
  rule: `must be a string of 1 to ${maxBytes} bytes, without control characters`,
});
const place: Kind = {
  test: (value) => typeof value === 'string' && /^postgres(ql)?:\/\/[^\0]*$/.test(value),
  rule: 'must be a string that begins with postgres:// or postgresql://',
};
const milliseconds = ' of milliseconds';

const KINDS: Record<keyof LeaderElectorConfig, Kind> = {
  leaseDuration: whole(LEASE_MS.min, LEASE_MS.max, milliseconds),
  renewalInterval: whole(RENEWAL_MS.min, LEASE_MS.max, milliseconds),
  jitterRange: whole(0, INT4_MAX, milliseconds),
  baseCleanInterval: whole(0, INT4_MAX, milliseconds),
  lockId: whole(-INT4_MAX - 1, INT4_MAX, ''),
  instanceId: text(INSTANCE_ID_BYTES),
  schema: text(SCHEMA_BYTES),
  createTableOnInit: flag,
  candidate: flag,
  url: place,
};

function shown(option: string, value: unknown): string {
  if (option === 'url') return '***';
  if (typeof value === 'string') {
    const length = Buffer.byteLength(value);
    return length <= SHOWN_BYTES ? JSON.stringify(value) : `a string of ${length} bytes`;
  }
  if (typeof value === 'bigint') return `${value}n`;
  const many = value !== null && typeof value === 'object';
  return many || typeof value === 'function' ? `of the type ${typeof value}` : String(value);
}

/** What the options are read from: anything else would pass for options that are all left out. */
export function checkShape(config: unknown): void {
  if (config === null || typeof config !== 'object' || Array.isArray(config)) {
    throw configError('the options of a leader elector must be an object');
  }
}

function check(config: LeaderElectorConfig): void {
  checkShape(config);
  for (const [option, value] of Object.entries(config)) {
    const kind = KINDS[option as keyof LeaderElectorConfig] as Kind | undefined;
    if (kind === undefined) {
      const known = Object.keys(KINDS).join(', ');
      throw configError(`${option} is not an option of a leader elector: they are ${known}`);
    }
    if (option === 'url' && (value === undefined || value === null || value === '')) {
      throw configError(
        `url is ${value === '' ? 'empty' : value}: is a variable missing? Where the settings of the DataSource are meant, ` +
          'leave the option out',
      );
    }
    if (kind.test(value) || value === undefined) continue;
    throw configError(`${option} is ${shown(option, value)}: it ${kind.rule}`);
  }
}

/** Throws an InterrexError of the code `CONFIG` that names the option. */
export function settingsOf(config: LeaderElectorConfig): Settings {
  check(config);
  if (config.url !== undefined && /[?&]schema=/.test(config.url)) {
    throw configError(
      'url names a schema: let it stand as the option schema, which the view needs too',
    );
  }
  const timeout = config.leaseDuration ?? DEFAULT_LEASE_MS;
  const often = Math.min(Math.floor(timeout / 3), RENEWAL_MS.max);
  const asked = config.renewalInterval ?? Math.min(DEFAULT_RENEWAL_MS, often);
  const warnings: string[] = [];
  if (asked > often) {
    warnings.push(
      `renewalInterval ${asked} ms is too long for leaseDuration ${timeout} ms: the lease is renewed every ${often} ms`,
    );
  }
  const lockId = config.lockId ?? 1;
  const heartbeat = Math.min(asked, often);
  const createTable = config.createTableOnInit ?? true;
  return {
    lockId,
    schema: config.schema ?? DEFAULT_SCHEMA,
    createTable,
    url: config.url,
    election: {
      name: `nest-leader-election:${lockId}`,
      timeout,
      heartbeat,
      createTable,
      candidate: config.candidate ?? true,
      // At least a heartbeat, which may be longer than the default here.
      ...(heartbeat > STALL_LIMIT_MS ? { stallLimit: heartbeat } : {}),
      ...(config.instanceId === undefined ? {} : { label: config.instanceId }),
    },
    warnings,
  };
}
