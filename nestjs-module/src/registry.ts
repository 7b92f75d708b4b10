/**
 * The elections of one application and their life: opened when they are first asked for, started at
 * the end of the boot, stopped while the application shuts down. It must never decide who leads,
 * retry anything, or let a store that is down hold up the boot.
 *
 * Shutdown has two steps, so that leader work may still use what others close later. On module
 * destroy `stop` begins: the answer is no, work in progress goes on. Before application shutdown the
 * end of that stop is awaited: work has ended (or `drainLimit` passed) and the record is released.
 * TypeORM, Bull and the like close after that, on application shutdown.
 */
import {
  BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  OnApplicationBootstrap,
  OnModuleDestroy,
} from '@nestjs/common';
import { Election, type ElectionOptions, type InterrexError } from 'interrex';
import { HOOKS_CHECK_DELAY_MS, LEADER_ELECTION_OPTIONS, LOG_CONTEXT } from './constants.js';
import type { LeaderElectionFeatureOptions, LeaderElectionOptions } from './options.js';

@Injectable()
export class ElectionRegistry
  implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown
{
  private readonly logger = new Logger(LOG_CONTEXT);
  private readonly elections = new Map<string, Election>();
  private readonly features = new Map<string, string>();
  /** The election that `forRoot` set up. */
  readonly root: Election;
  private started = false;
  private stopping?: Promise<PromiseSettledResult<void>[]>;
  private hooksCheck?: NodeJS.Timeout;

  constructor(@Inject(LEADER_ELECTION_OPTIONS) private readonly options: LeaderElectionOptions) {
    this.root = this.open(this.electionOptions());
  }

  /**
   * A further election. The same name and options twice, as when two modules ask for it, are one
   * election.
   */
  feature(options: LeaderElectionFeatureOptions): Election {
    const { name } = options;
    const asked = JSON.stringify(options);
    const known = this.elections.get(name);
    if (known !== undefined) {
      const before = this.features.get(name);
      if (before !== asked) {
        throw new Error(
          `LeaderElectionModule.forFeature({ name: '${name}' }): ` +
            (before === undefined
              ? 'forRoot already has an election of this name'
              : 'another module asks for this election with other options'),
        );
      }
      return known;
    }
    this.features.set(name, asked);
    const inherited: Partial<ElectionOptions> = this.electionOptions();
    if ('url' in options || 'redis' in options) {
      delete inherited.url;
      delete inherited.redis;
    }
    return this.open({ ...inherited, ...options } as ElectionOptions);
  }

  /** The election of that name, or that of `forRoot`; undefined if there is none. */
  find(name?: string): Election | undefined {
    return name === undefined ? this.root : this.elections.get(name);
  }

  get names(): string[] {
    return [...this.elections.keys()];
  }

  async onApplicationBootstrap(): Promise<void> {
    this.started = true;
    this.hooksCheck = setTimeout(() => this.warnWithoutHooks(), HOOKS_CHECK_DELAY_MS);
    this.hooksCheck.unref();
    const starts = [...this.elections.values()].map((election) => election.start());
    if (this.options.waitForStart === true) {
      await Promise.all(starts);
      return;
    }
    for (const start of starts) start.catch((error: unknown) => this.logFailedStart(error));
  }

  onModuleDestroy(): void {
    clearTimeout(this.hooksCheck);
    this.stopping ??= Promise.allSettled(
      [...this.elections.values()].map((election) => election.stop()),
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    const results = (await this.stopping) ?? [];
    for (const result of results) {
      if (result.status === 'rejected') this.logger.error(result.reason);
    }
  }

  /** What the core is given: everything but what belongs to this module. Absent stays absent: a present but empty `url` is an error. */
  private electionOptions(): ElectionOptions {
    const { waitForStart: _, ...election } = this.options;
    return election;
  }

  private open(options: ElectionOptions): Election {
    const election = new Election(options);
    election.on('error', (error: InterrexError) =>
      this.logger.error(`${options.name}: ${error.message}`),
    );
    election.on('warning', (warning: InterrexError) =>
      this.logger.warn(`${options.name}: ${warning.message}`),
    );
    this.elections.set(options.name, election);
    // A lazily loaded module comes after the boot.
    if (this.started) election.start().catch((error: unknown) => this.logFailedStart(error));
    return election;
  }

  private logFailedStart(error: unknown): void {
    if (this.stopping === undefined) this.logger.error(error);
  }

  /** Without a listener a SIGTERM ends the process at once: no hook runs, and leader work is cut off in the middle. */
  private warnWithoutHooks(): void {
    if (process.listenerCount('SIGTERM') > 0) return;
    this.logger.warn(
      'Shutdown hooks are off: on SIGTERM leader work is cut off and the successor has to find out by itself. ' +
        'Call app.enableShutdownHooks().',
    );
  }
}
