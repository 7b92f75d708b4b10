/**
 * `LeaderElectionModule`: `forRoot` and `forRootAsync` set up an application's election, `forFeature`
 * further ones beside it. It only says what is provided where; the registry runs the elections.
 */
import { type DynamicModule, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { getElectionToken } from './constants.js';
import { LeaderElectionExplorer } from './explorer.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  type LeaderElectionFeatureOptions,
  type OPTIONS_TYPE,
} from './options.js';
import { ElectionRegistry } from './registry.js';
import { LeaderElectionService } from './service.js';

const shared = [ElectionRegistry, LeaderElectionService, getElectionToken()];

@Module({
  imports: [DiscoveryModule],
  providers: [
    ElectionRegistry,
    LeaderElectionService,
    LeaderElectionExplorer,
    {
      provide: getElectionToken(),
      useFactory: (registry: ElectionRegistry) => registry.root,
      inject: [ElectionRegistry],
    },
  ],
  exports: shared,
})
export class LeaderElectionModule extends ConfigurableModuleClass {
  /**
   * The application's election.
   *
   * @param options - those of an `interrex` election, `isGlobal` (default true) and `waitForStart` (default false)
   */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return super.forRoot(options);
  }

  /** As `forRoot`, with options that a factory or a class makes. `isGlobal` stands beside `useFactory`. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }

  /**
   * A further election, injected with `@InjectElection(name)` and named by the other decorators.
   * Options that are not given are those of `forRoot`.
   */
  static forFeature(options: LeaderElectionFeatureOptions): DynamicModule {
    const token = getElectionToken(options.name);
    return {
      module: LeaderElectionFeatureModule,
      providers: [
        {
          provide: token,
          useFactory: (registry: ElectionRegistry) => registry.feature(options),
          inject: [ElectionRegistry],
        },
      ],
      exports: [token],
    };
  }
}

/** Holds what one `forFeature` provides. */
@Module({})
class LeaderElectionFeatureModule {}
