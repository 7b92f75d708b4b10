/**
 * What is called `leader_lease` in the database, seen through the DataSource: our view, made where there is nothing;
 * or a table of the old package, which is looked at now and then as long as it is there. It warns once if somebody
 * uses it. It decides nothing, and its failures are no failures of the election.
 */
import type { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { Settings } from './config.js';
import { kindSql, seenSql, viewSql } from './sql.js';

const LOOK_MS_MIN = 1000;

const text = (error: unknown) => (error instanceof Error ? error.message : String(error));

export class LeaseTable {
  private timer?: NodeJS.Timeout;
  private stopped = false;
  private until: string | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly settings: Settings,
    private readonly logger: Logger,
  ) {}

  /** The ledger must be there. */
  async open(): Promise<void> {
    const { schema, createTable } = this.settings;
    try {
      if (createTable) await this.dataSource.query(viewSql(schema));
      const [found] = await this.dataSource.query<{ is_table: boolean }[]>(kindSql(), [schema]);
      if (found?.is_table === true) await this.look();
    } catch (error) {
      if (this.stopped) return;
      this.logger.warn(
        `the view ${schema}.leader_lease could not be made, which only monitoring misses: ${text(error)}`,
      );
    }
  }

  close(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async look(): Promise<void> {
    const { schema, lockId } = this.settings;
    type Seen = { leader_id: string; until: string; alive: boolean };
    let seen: Seen | undefined;
    try {
      [seen] = await this.dataSource.query<Seen[]>(seenSql(schema), [lockId]);
    } catch {
      // The database is away, or the table is gone or not of that kind: there is nothing to be seen.
    }
    if (this.stopped) return;
    if (seen !== undefined && (seen.alive || (this.until ?? seen.until) !== seen.until)) {
      this.warn(seen.leader_id);
      return;
    }
    this.until = seen?.until ?? this.until;
    const everyMs = Math.max(LOOK_MS_MIN, this.settings.election.timeout ?? 0);
    this.timer = setTimeout(() => void this.look(), everyMs).unref();
  }

  private warn(holder: string): void {
    const { schema, lockId } = this.settings;
    this.logger.warn(
      `lock ${lockId} in the table ${schema}.leader_lease is in use by '${holder}', an instance of nest-leader-election. ` +
        'It and this elector do not see each other: run side by side, both lead. Stop all old instances first, or set ' +
        'candidate: false here until the last one is gone (docs/migrating.md)',
    );
  }
}
