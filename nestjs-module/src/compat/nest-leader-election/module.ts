/**
 * `LeaderElectorModule`: the service, and `leader_lease` as an entity of the application's DataSource. It only says
 * what is provided where.
 */
import {
  ConfigurableModuleBuilder,
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  Global,
  Module,
} from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { checkShape, configError, DEFAULT_SCHEMA, type LeaderElectorConfig } from './config.js';
import { createLeaderLeaseEntity } from './entities.js';
import { LEADER_ELECTOR_CONFIG, LeaderElectorService } from './service.js';

/** What a class named by `useClass` or `useExisting` implements. */
export interface LeaderElectorConfigFactory {
  createLeaderElectorConfig(): LeaderElectorConfig | Promise<LeaderElectorConfig>;
}

export type LeaderElectorAsyncOptions = ConfigurableModuleAsyncOptions<
  LeaderElectorConfig,
  'createLeaderElectorConfig'
> & {
  /** Stands beside the factory, because the DataSource may be there before what the factory makes. */
  schema?: string | undefined;
};

const GIVEN = Symbol('interrex:nest-leader-election:given');
const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<LeaderElectorConfig>({
  optionsInjectionToken: GIVEN,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createLeaderElectorConfig')
  .build();

function complete(definition: DynamicModule, schema: string | undefined): DynamicModule {
  return {
    ...definition,
    imports: [
      ...(definition.imports ?? []),
      TypeOrmModule.forFeature([createLeaderLeaseEntity(schema)]),
    ],
    providers: [
      ...(definition.providers ?? []),
      LeaderElectorService,
      {
        provide: LEADER_ELECTOR_CONFIG,
        useFactory: (given: LeaderElectorConfig) => withSchema(given, schema),
        inject: [GIVEN],
      },
    ],
    exports: [LeaderElectorService, TypeOrmModule],
  };
}

function withSchema(given: LeaderElectorConfig, schema = DEFAULT_SCHEMA): LeaderElectorConfig {
  checkShape(given);
  if ((given.schema ?? schema) !== schema) {
    throw configError(
      `schema is ${JSON.stringify(given.schema)} in what the factory of LeaderElectorModule.forRootAsync returns, and ` +
        `${JSON.stringify(schema)} beside it: let it stand beside useFactory`,
    );
  }
  return { ...given, schema };
}

@Global()
@Module({})
export class LeaderElectorModule extends ConfigurableModuleClass {
  static override forRoot(config: LeaderElectorConfig = {}): DynamicModule {
    checkShape(config);
    return complete(super.forRoot(config), config.schema);
  }

  /** As `forRoot`, with options that a factory or a class makes; `schema` stands beside it. */
  static override forRootAsync({ schema, ...options }: LeaderElectorAsyncOptions): DynamicModule {
    return complete(super.forRootAsync(options), schema);
  }
}
