/** The elector as an application injects it: started while the application boots, which never waits for it. */
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import type { LeaderElectorConfig } from './config.js';
import { LeaderElectorCore } from './core.js';
import { LeaderLease } from './entities.js';

export const LEADER_ELECTOR_CONFIG = Symbol('interrex:nest-leader-election:config');

@Injectable()
export class LeaderElectorService extends LeaderElectorCore implements OnModuleInit {
  constructor(
    @InjectRepository(LeaderLease) repository: Repository<LeaderLease>,
    @Inject(LEADER_ELECTOR_CONFIG) config: LeaderElectorConfig,
  ) {
    super(repository, config, false);
  }

  onModuleInit(): void {
    this.start().catch((error: unknown) => this.logger.error(error));
  }
}
