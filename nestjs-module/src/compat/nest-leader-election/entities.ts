/**
 * `leader_lease` as TypeORM sees it: four columns to read. Here it is a view over the ledger, and `synchronize` must
 * neither make nor drop anything of that name.
 */
import { Column, Entity, EntitySchema, PrimaryColumn, Table } from 'typeorm';
import { DEFAULT_SCHEMA } from './config.js';

/** Who holds a lock, and until when. */
@Entity({ name: 'leader_lease', synchronize: false })
export class LeaderLease {
  /** The `lockId`. */
  @PrimaryColumn({ type: 'integer' })
  id!: number;

  /** The leader's `instanceId`. */
  @Column({ type: 'text', name: 'leader_id' })
  leaderId!: string;

  /** When others would succeed it, if it renewed no more. */
  @Column({ type: 'timestamptz', name: 'expires_at' })
  expiresAt!: Date;

  @Column({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;
}

/** {@link LeaderLease} in a schema. */
export function createLeaderLeaseEntity(schema = DEFAULT_SCHEMA): EntitySchema<LeaderLease> {
  return new EntitySchema<LeaderLease>({
    name: 'LeaderLease',
    target: LeaderLease,
    tableName: 'leader_lease',
    schema,
    synchronize: false,
    columns: {
      id: { type: 'integer', primary: true },
      leaderId: { name: 'leader_id', type: 'text' },
      expiresAt: { name: 'expires_at', type: 'timestamptz' },
      createdAt: { name: 'created_at', type: 'timestamptz' },
    },
  });
}

/**
 * The table of the old package, for migrations that were written with it. Nothing here uses such a table; where it
 * exists, the view is not made.
 */
export function createLeaderLeaseTable(schema = DEFAULT_SCHEMA): Table {
  return new Table({
    schema,
    name: 'leader_lease',
    columns: [
      { name: 'id', type: 'int', isPrimary: true },
      { name: 'leader_id', type: 'text' },
      { name: 'expires_at', type: 'timestamptz' },
      { name: 'created_at', type: 'timestamptz', default: 'now()' },
    ],
    checks: [{ expression: 'expires_at > created_at' }],
  });
}
