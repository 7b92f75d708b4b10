/** What the package `nest-leader-election` exports, over this library. */
import 'reflect-metadata';

export type { LeaderElectorConfig } from './config.js';
export { LeaderElectorCore } from './core.js';
export { createLeaderLeaseEntity, createLeaderLeaseTable, LeaderLease } from './entities.js';
export { LeaderElectionMigrationBase } from './migration.js';
export {
  type LeaderElectorAsyncOptions,
  type LeaderElectorConfigFactory,
  LeaderElectorModule,
} from './module.js';
export { LeaderElectorService } from './service.js';
