/**
 * The module's options: those of an `interrex` election, passed on untouched, and two of its own.
 * Nothing is checked or defaulted here: the core does that, and its errors name the option.
 */
import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { ElectionOptions } from 'interrex';
import { LEADER_ELECTION_OPTIONS } from './constants.js';

/** What `forRoot` takes, and what a `forRootAsync` factory returns. */
export type LeaderElectionOptions = ElectionOptions & {
  /**
   * The boot waits until the election takes part. Off by default: a store that is down must not
   * keep an application from serving. With it, set `startTimeout` too, so that a boot that can't
   * succeed fails.
   */
  waitForStart?: boolean | undefined;
};

/** What a class named by `useClass` or `useExisting` implements. */
export interface LeaderElectionOptionsFactory {
  createLeaderElectionOptions(): LeaderElectionOptions | Promise<LeaderElectionOptions>;
}

/** What `forFeature` takes: a further election; options that are not given are those of `forRoot`. */
export type LeaderElectionFeatureOptions = Partial<ElectionOptions> & { name: string };

export const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<LeaderElectionOptions>({
    optionsInjectionToken: LEADER_ELECTION_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createLeaderElectionOptions')
    .setExtras(
      {
        /** Every module may inject the service without importing the module. */
        isGlobal: true,
      },
      (definition, extras) => ({ ...definition, global: extras.isGlobal }),
    )
    .build();
