// The ES module face of the one CommonJS build.
export {
  createLeaderLeaseEntity,
  createLeaderLeaseTable,
  LeaderElectionMigrationBase,
  LeaderElectorCore,
  LeaderElectorModule,
  LeaderElectorService,
  LeaderLease,
} from '../dist/compat/nest-leader-election/index.js';
