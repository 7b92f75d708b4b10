/** Applications for the tests: each is booted on `memory:` or on what a test names, and closed after it. */
import { createRequire } from 'node:module';
import { type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { LeaderElectionModule, type LeaderElectionOptions } from '@interrex/nestjs';

let counter = 0;

/** A name no other test uses: elections on `memory:` share one store in this process. */
export function uniqueName(): string {
  return `election-${process.pid}-${++counter}`;
}

export class RecordingLogger {
  readonly lines: string[] = [];
  log() {}
  debug() {}
  verbose() {}
  warn(message: unknown) {
    this.lines.push(`warn ${String(message)}`);
  }
  error(message: unknown) {
    this.lines.push(`error ${String(message)}`);
  }
}

const applications: TestingModule[] = [];

export async function boot(
  metadata: ModuleMetadata,
  logger = new RecordingLogger(),
): Promise<TestingModule> {
  const application = await Test.createTestingModule(metadata).setLogger(logger).compile();
  applications.push(application);
  await application.init();
  return application;
}

/** An application whose election is on `memory:`. */
export function bootWith(
  options: Partial<LeaderElectionOptions> & { name: string },
  metadata: ModuleMetadata = {},
  logger?: RecordingLogger,
): Promise<TestingModule> {
  const forRoot = LeaderElectionModule.forRoot({
    url: 'memory:',
    ...options,
  } as LeaderElectionOptions);
  return boot({ ...metadata, imports: [forRoot, ...(metadata.imports ?? [])] }, logger);
}

export async function closeAll(): Promise<void> {
  await Promise.all(applications.splice(0).map((application) => application.close()));
}

/**
 * Resolves when `check` says yes. The limit is for a machine under load; a test never measures it. A function says what
 * was in vain when it was.
 */
export async function until(what: string | (() => string), check: () => boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!check()) {
    if (Date.now() > end) throw new Error(`in vain: ${typeof what === 'string' ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const tick = () => new Promise((resolve) => setTimeout(resolve, 20));

export interface PostgresServer {
  readonly url: string;
  readonly port: number;
  say(sql: string): Promise<string>;
  /** SIGKILL; restart() brings it back on the same port, with its data. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A private server, by what the tests of the addon have. */
export function startPostgres(options: { secure?: boolean } = {}): Promise<PostgresServer> {
  const load = createRequire(__filename);
  const support = load('../../tests/node/support/postgres.js') as {
    startPostgres(options: { secure?: boolean }): Promise<PostgresServer>;
  };
  return support.startPostgres(options);
}
