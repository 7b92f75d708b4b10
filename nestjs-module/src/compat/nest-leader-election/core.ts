/**
 * `LeaderElectorCore`, as the package `nest-leader-election` has it, over an election on a connection of its own. It
 * decides nothing about leadership: `amILeader()` is the election's answer at that moment. A database that is away is
 * logged and neither ends the process nor holds anything up.
 */
import { type BeforeApplicationShutdown, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Election, InterrexError } from 'interrex';
import type { DataSource, Repository } from 'typeorm';
import { checkShape, type LeaderElectorConfig, type Settings, settingsOf } from './config.js';
import { type Connection, connectionOf } from './connection.js';
import { createLeaderLeaseEntity, LeaderLease } from './entities.js';
import { LeaseTable } from './lease-table.js';
import { inWordsOfTheModule } from './words.js';

const ASKED_ONCE =
  ' (the password function was asked once, at the start: for one that expires, give the elector a url and a passfile)';

export class LeaderElectorCore implements OnModuleDestroy, BeforeApplicationShutdown {
  name = 'LeaderElector';
  protected readonly logger = new Logger('LeaderElector');
  private readonly settings: Settings;
  private readonly connection: Connection | undefined;
  private readonly table: LeaseTable;
  private opened: Election | null = null;
  private starting?: Promise<void>;
  private stopping?: Promise<void>;
  private settle = () => {};

  /**
   * Takes part from now on.
   *
   * @param repository - any of the DataSource whose database holds the election
   * @param start - false: not before `start()`
   */
  constructor(repository: Repository<LeaderLease>, config: LeaderElectorConfig = {}, start = true) {
    const dataSource = repository.manager.connection;
    this.settings = settingsOf(config);
    const { url } = this.settings;
    if (url === undefined) this.connection = connectionOf(dataSource.options);
    this.table = new LeaseTable(dataSource, this.settings, this.logger);
    for (const warning of this.settings.warnings) this.logger.warn(warning);
    // What is wrong with the options is thrown here, unless a password has to be asked for first.
    if (typeof this.connection?.password !== 'function') this.open(this.connection?.password);
    if (start) this.start().catch((error: unknown) => this.logger.error(error));
  }

  /** Resolves once it is known who leads, or that there is trouble, which is logged. */
  static async create(
    dataSource: DataSource,
    config: LeaderElectorConfig = {},
  ): Promise<LeaderElectorCore> {
    checkShape(config);
    const repository = dataSource.getRepository(createLeaderLeaseEntity(config.schema));
    const elector = new this(repository, config, false);
    await elector.start();
    return elector;
  }

  /** True only inside the deadline of this instance's lease. */
  amILeader(): boolean {
    return this.opened?.isLeader() ?? false;
  }

  /** Gives leadership up, for another instance or, if there is none, for a later term of this one. */
  async release(): Promise<void> {
    if (!this.amILeader()) return;
    try {
      await this.opened?.resign();
    } catch (error) {
      if (!(error instanceof InterrexError)) throw error; // lost or stopped meanwhile
    }
  }

  /** Takes part; again: the same promise. Rejects only where a password function does. */
  start(): Promise<void> {
    this.starting ??= this.begin();
    return this.starting;
  }

  /** Gives up leadership and takes part no more. */
  stop(): Promise<void> {
    this.table.close();
    this.stopping ??= this.opened?.stop() ?? Promise.resolve();
    this.settle();
    return this.stopping;
  }

  /** The same as {@link stop}. */
  shutdown(): Promise<void> {
    return this.stop();
  }

  /** The election beneath: fencing tokens, reasons for a loss, events. Null until a password is known. */
  get election(): Election | null {
    return this.opened;
  }

  onModuleDestroy(): void {
    this.stop().catch((error: unknown) => this.logger.error(error));
  }

  /** TypeORM closes after this. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.stop().catch(() => {}); // logged above
  }

  private async begin(): Promise<void> {
    const password = this.connection?.password;
    if (typeof password === 'function') this.open(await password());
    const election = this.opened;
    if (election === null || this.stopping !== undefined) return;
    let opening: Promise<void> | undefined;
    const settled = new Promise<void>((resolve) => (this.settle = resolve));
    election.once('elected', this.settle).once('error', this.settle);
    election.on('leader', (leader) => {
      if (leader !== null) this.settle();
    });
    election.start().then(
      () => {
        opening = this.table.open();
        // There may be nobody to follow for long.
        if (this.settings.election.candidate === false) this.settle();
      },
      (error: unknown) => {
        if (this.stopping === undefined) this.logger.error(error);
        this.settle();
      },
    );
    await settled;
    await opening; // it is under way by now, unless there is trouble
  }

  private open(password: string | undefined): void {
    const url = this.settings.url ?? this.connection!.url(password);
    const { lockId, schema, election } = this.settings;
    const logger = this.logger;
    const separator = url.includes('?') ? '&' : '?';
    const place = `${url}${separator}schema=${encodeURIComponent(schema)}`;
    this.opened = new Election({ ...election, url: place })
      .on('elected', ({ term }) => logger.log(`lock ${lockId}: this instance leads (term ${term})`))
      .on('defeated', ({ reason }) => logger.log(`lock ${lockId}: it leads no more (${reason})`))
      .on('warning', ({ message }) => logger.warn(`lock ${lockId}: ${inWordsOfTheModule(message)}`))
      .on('error', (error) => {
        const asked = error.code === 'AUTH' && typeof this.connection?.password === 'function';
        logger.error(
          `lock ${lockId}: ${inWordsOfTheModule(error.message)}${asked ? ASKED_ONCE : ''}`,
        );
      });
  }
}
