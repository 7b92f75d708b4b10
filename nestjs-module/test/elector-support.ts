/** For the tests of the compat module: a PostgreSQL server, electors on it, and electors in processes of their own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Logger } from '@nestjs/common';
import {
  type LeaderElectorConfig,
  LeaderElectorCore,
  LeaderLease,
} from '@interrex/nestjs/compat/nest-leader-election';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { type PostgresServer, RecordingLogger, until } from './support.js';

let lock = 0;
/** A lock that no other test uses. */
export const freshLock = () => ++lock;

const cleanups: (() => Promise<unknown>)[] = [];

/** Run by afterEach: stops electors, then closes what they stand on. */
export async function tidy(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

export function later(cleanup: () => Promise<unknown>): void {
  cleanups.push(cleanup);
}

/** What the electors of a test log from now on. */
export function recorded(): RecordingLogger {
  const logger = new RecordingLogger();
  Logger.overrideLogger(logger);
  return logger;
}

export async function dataSourceOn(
  server: PostgresServer,
  options: Partial<DataSourceOptions> = {},
): Promise<DataSource> {
  const given = { type: 'postgres', url: server.url, entities: [LeaderLease], ...options };
  const dataSource = new DataSource(given as DataSourceOptions);
  await dataSource.initialize();
  later(async () => {
    if (dataSource.isInitialized) await dataSource.destroy();
  });
  return dataSource;
}

export async function elector(
  dataSource: DataSource,
  config: LeaderElectorConfig,
): Promise<LeaderElectorCore> {
  const made = await LeaderElectorCore.create(dataSource, config);
  later(() => made.stop());
  return made;
}

/** Resolves when one of them leads, and says which. */
export async function leaderOf(...electors: LeaderElectorCore[]): Promise<LeaderElectorCore> {
  await until('one leads', () => electors.some((one) => one.amILeader()));
  return electors.find((one) => one.amILeader())!;
}

export interface Child {
  readonly process: ChildProcessWithoutNullStreams;
  readonly lines: string[];
  /** Resolves when a line of it begins so. */
  line(start: string): Promise<void>;
}

/** Runs test/elector.ts in a process of its own: it says `leads`, `defeated REASON`, and answers what is written to it. */
export function elsewhere(server: PostgresServer, config: LeaderElectorConfig): Child {
  const program = path.join(__dirname, 'elector.js');
  const child = spawn(process.execPath, [program, server.url, JSON.stringify(config)]);
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr.on('data', (data: Buffer) => lines.push(`stderr ${data.toString()}`));
  const exit = once(child, 'close');
  later(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return {
    process: child,
    lines,
    line: (start) =>
      until(
        () => `the process says ${start}; it said ${lines.join(' | ')}`,
        () => lines.some((line) => line.startsWith(start)),
      ),
  };
}
