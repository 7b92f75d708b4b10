// The ES module face of the one CommonJS build.
export {
  getElectionToken,
  InjectElection,
  LeaderElectionModule,
  LeaderElectionService,
  LeaderOnly,
  OnDefeated,
  OnElected,
} from './dist/index.js';
