/**
 * The demo's processes: a Redis of its own in a private directory, and the children that take part.
 * Each is ended by its own process id, and none outlives the demo.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import type { Report } from './names.js';

/** How long a child may take to be ready, or to end when asked to, on a machine that is busy. */
const PATIENCE_MS = 30_000;
const GRACE_MS = 8_000;

const running = new Set<ChildProcess>();
export const directory = mkdtempSync(path.join(tmpdir(), 'interrex-demo-'));

export class Member {
  readonly pid: number;
  ready = false;
  /** As it last said itself; a stopped process says nothing. */
  leads = false;
  term = 0;
  seen = 0;
  stopped = false;
  /** When we made an end of it, by SIGKILL or otherwise; CLOCK_MONOTONIC, as in its notes. */
  endedNs?: bigint;
  readonly stops: bigint[] = [];
  private expected = false;

  constructor(
    readonly label: string,
    readonly group: 'producer' | 'reporter' | 'worker',
    readonly beliefs: string,
    private readonly child: ChildProcess,
    log: string,
    private readonly hear: (member: Member, it: Report) => void,
  ) {
    this.pid = child.pid!;
    running.add(child);
    let rest = '';
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.take(JSON.parse(line) as Report);
    });
    child.once('exit', (code, signal) => {
      this.endedNs ??= process.hrtime.bigint();
      this.leads = false;
      if (!this.expected) fail(`${label} ended by itself (${code ?? signal}):\n${tailOf(log)}`);
    });
    child.once('exit', () => running.delete(child));
  }

  get alive(): boolean {
    return this.endedNs === undefined;
  }

  /** Sends a signal and says when. */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): bigint {
    const now = process.hrtime.bigint();
    if (signal === 'SIGKILL' || signal === 'SIGTERM') this.expected = true;
    this.child.kill(signal);
    if (signal === 'SIGKILL') this.endedNs = process.hrtime.bigint();
    if (signal === 'SIGSTOP') this.stops.push(now);
    this.stopped = signal === 'SIGSTOP';
    return now;
  }

  async end(): Promise<void> {
    const child = this.child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    this.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await exit;
    clearTimeout(timer);
  }

  private take(it: Report): void {
    if (it.kind === 'ready') this.ready = true;
    if (it.kind === 'seen') this.seen = it.seen;
    if (it.kind === 'leads') {
      this.leads = it.leads && this.alive;
      this.term = it.term;
    }
    this.hear(this, it);
  }
}

let failure: (why: Error) => void = () => {};

/** Rejects as soon as something happens that ends the demo. */
export const failed = new Promise<never>((_, reject) => (failure = reject));
failed.catch(() => {});

export function fail(why: string): void {
  failure(new Error(why));
}

export function startMember(
  group: Member['group'],
  label: string,
  environment: Record<string, string>,
  hear: (member: Member, it: Report) => void,
): Member {
  const log = path.join(directory, `${label}.log`);
  const beliefs = path.join(directory, `${label}.beliefs`);
  const python = group === 'reporter';
  const child = spawn(
    python ? process.env.DEMO_PYTHON! : process.execPath,
    [python ? path.join(__dirname, '..', 'reporter.py') : path.join(__dirname, `${group}.js`)],
    {
      stdio: ['pipe', 'pipe', openSync(log, 'a')],
      env: { ...process.env, ...environment, DEMO_LABEL: label, DEMO_BELIEFS: beliefs },
    },
  );
  child.once('error', (error) => fail(`${label} could not be started: ${error.message}`));
  return new Member(label, group, beliefs, child, log, hear);
}

/** Resolves when `check` says yes; rejects when the demo has failed, or after `limitMs`. */
export async function until(
  what: string,
  check: () => boolean,
  limitMs = PATIENCE_MS,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!check()) {
    if (Date.now() > end) throw new Error(`in vain after ${limitMs / 1000} s: ${what}`);
    await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, 5))]);
  }
}

/** A Redis on a free port. Between asking for the port and using it another program may take it: then another port. */
export async function startRedis(): Promise<{ port: number; redis: Redis }> {
  for (let attempt = 1; ; attempt++) {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, 'close');
    const log = path.join(directory, 'redis.log');
    const settings = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      directory,
      '--save',
      '',
    ];
    const server = spawn('redis-server', [...settings, '--appendonly', 'no', '--logfile', log], {
      stdio: 'ignore',
    });
    running.add(server);
    const ended = new Promise<string>((resolve) => {
      server.once('error', (error) => resolve(`redis-server: ${error.message}`));
      server.once('exit', () => {
        running.delete(server);
        resolve(`redis-server ended:\n${tailOf(log)}`);
      });
    });
    const redis = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => 50 });
    redis.on('error', () => {});
    const up = await Promise.race([
      redis
        .connect()
        .then(() => redis.ping())
        .catch(() => redis.ping()),
      ended,
    ]);
    if (up === 'PONG') {
      void ended.then((why) => fail(why));
      return { port, redis };
    }
    redis.disconnect();
    if (attempt === 3) throw new Error(up);
  }
}

/** Ends whatever still runs, waits until it has ended, and removes the directory. */
export async function endAll(): Promise<void> {
  failure = () => {};
  const left = [...running].filter((child) => child.exitCode === null && child.signalCode === null);
  await Promise.all(
    left.map((child) => {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      return exit;
    }),
  );
  rmSync(directory, { recursive: true, force: true });
}

function tailOf(log: string): string {
  try {
    return readFileSync(log, 'utf8').split('\n').slice(-20).join('\n');
  } catch {
    return '(it wrote no log)';
  }
}
