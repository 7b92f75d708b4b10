// The ES module face of the one CommonJS build.
export {
  getElectionToken,
  InjectElection,
  LeaderElectionModule,
  LeaderElectionService,
  LeaderOnly,
  OnDefeated,
  OnElected,
  OnLeaderMessage,
} from './dist/index.js';
