/**
 * The elector as an application injects it. The boot waits for its first answer, so that whoever asks at the end of the
 * boot is told the truth; but a few seconds at most, and it never fails for it.
 */
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import type { LeaderElectorConfig } from './config.js';
import { LeaderElectorCore } from './core.js';
import { LeaderLease } from './entities.js';

const BOOT_LIMIT_MS = 5000;

export const LEADER_ELECTOR_CONFIG = Symbol('interrex:nest-leader-election:config');

@Injectable()
export class LeaderElectorService extends LeaderElectorCore implements OnModuleInit {
  constructor(
    @InjectRepository(LeaderLease) repository: Repository<LeaderLease>,
    @Inject(LEADER_ELECTOR_CONFIG) config: LeaderElectorConfig,
  ) {
    super(repository, config, false);
  }

  async onModuleInit(): Promise<void> {
    const started = this.start().catch((error: unknown) => this.logger.error(error));
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.sayWhoIsMissing();
        resolve();
      }, BOOT_LIMIT_MS);
    });
    await Promise.race([started, enough]);
    clearTimeout(timer);
  }

  private sayWhoIsMissing(): void {
    if (this.amILeader() || this.election?.leader != null) return;
    this.logger.warn(
      `nobody is known to lead after ${BOOT_LIMIT_MS} ms: the boot goes on, and amILeader() is false until this instance leads`,
    );
  }
}
