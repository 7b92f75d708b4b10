/** The migration for `createTableOnInit: false`: it makes what an elector would make, and nothing else. */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { DEFAULT_SCHEMA } from './config.js';
import { dropSql, migrationSql } from './sql.js';

export class LeaderElectionMigrationBase implements MigrationInterface {
  schema: string = DEFAULT_SCHEMA;

  /** Makes the schema, the ledger and the view `leader_lease`, each where it is missing. */
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(migrationSql(this.schema));
  }

  /** Drops the view, and the ledger unless other elections are in it. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(dropSql(this.schema));
  }
}
