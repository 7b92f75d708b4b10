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

/** The old package wrote the name without quotes: the server took its capitals for small letters. */
const asItWas = (schema: string) => schema.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

export class LeaseTable {
  private timer?: NodeJS.Timeout;
  private stopped = false;
  /** By schema: until when a table of the old package said that its lock is held, when last seen. */
  private readonly until = new Map<string, string | undefined>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly settings: Settings,
    private readonly logger: Logger,
  ) {}

  /** The ledger must be there. */
  async open(): Promise<void> {
    const { schema, createTable } = this.settings;
    if (createTable) await this.make();
    for (const place of new Set([schema, asItWas(schema)])) {
      if (await this.isTable(place)) this.until.set(place, undefined);
    }
    if (this.until.size > 0) await this.look();
  }

  close(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async make(): Promise<void> {
    const { schema } = this.settings;
    try {
      await this.dataSource.query(viewSql(schema));
    } catch (error) {
      if (this.stopped) return;
      this.logger.warn(
        `the view ${schema}.leader_lease could not be made, which only monitoring misses: ${text(error)}`,
      );
    }
  }

  private async isTable(schema: string): Promise<boolean> {
    try {
      const [found] = await this.dataSource.query<{ is_table: boolean }[]>(kindSql(), [schema]);
      return found?.is_table === true;
    } catch (error) {
      if (!this.stopped) {
        this.logger.warn(
          `whether nest-leader-election is in use beside this could not be seen: ${text(error)}`,
        );
      }
      return false;
    }
  }

  private async look(): Promise<void> {
    for (const [schema, until] of this.until) {
      const seen = await this.seen(schema);
      if (this.stopped) return;
      if (seen !== undefined && (seen.alive || (until ?? seen.until) !== seen.until)) {
        this.warn(schema, seen.leader_id);
        return;
      }
      this.until.set(schema, seen?.until ?? until);
    }
    const everyMs = Math.max(LOOK_MS_MIN, this.settings.election.timeout ?? 0);
    this.timer = setTimeout(() => void this.look(), everyMs).unref();
  }

  private async seen(schema: string) {
    type Seen = { leader_id: string; until: string; alive: boolean };
    try {
      const { lockId } = this.settings;
      const [seen] = await this.dataSource.query<Seen[]>(seenSql(schema), [lockId]);
      return seen;
    } catch {
      return undefined; // the database is away, or the table is gone or not of that kind: nothing is to be seen
    }
  }

  private warn(place: string, holder: string): void {
    const { schema, lockId } = this.settings;
    const meant =
      place === schema
        ? ''
        : `. Theirs is the schema ${place}, because they never quote it: schema: '${place}' is the same one here`;
    this.logger.warn(
      `lock ${lockId} in the table ${place}.leader_lease is in use by '${holder}', an instance of nest-leader-election. ` +
        'It and this elector do not see each other: run side by side, both lead. Stop all old instances first, or set ' +
        `candidate: false here until the last one is gone (docs/migrating.md)${meant}`,
    );
  }
}
