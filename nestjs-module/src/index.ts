/** Everything that `@interrex/nestjs` makes public. */
import 'reflect-metadata';

export { getElectionToken } from './constants.js';
export {
  type AsyncMethodDecorator,
  InjectElection,
  LeaderOnly,
  type LeaderOnlyOptions,
  OnDefeated,
  OnElected,
  OnLeaderMessage,
} from './decorators.js';
export { LeaderElectionModule } from './module.js';
export type {
  LeaderElectionFeatureOptions,
  LeaderElectionOptions,
  LeaderElectionOptionsFactory,
} from './options.js';
export { LeaderElectionService } from './service.js';
