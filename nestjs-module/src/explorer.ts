/**
 * Finds the decorated methods of an application's providers and controllers once, before anything is
 * started, and ties them to their elections. A method that names an election nobody set up fails the
 * boot. Request-scoped and transient providers have no one instance to tie to: they are named in a
 * warning and skipped.
 */
import { Inject, Injectable, Logger, OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { Election } from 'interrex';
import {
  LEADER_ONLY,
  LOG_CONTEXT,
  ON_DEFEATED,
  ON_ELECTED,
  ON_LEADER_MESSAGE,
} from './constants.js';
import { bindInstance, type Method } from './leader-only.js';
import { ElectionRegistry } from './registry.js';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** `event`: the election's event that calls the method; LeaderOnly is called by the application. */
const DECORATORS = [
  { metadataKey: ON_ELECTED, decorator: 'OnElected', event: 'elected' },
  { metadataKey: ON_DEFEATED, decorator: 'OnDefeated', event: 'defeated' },
  { metadataKey: ON_LEADER_MESSAGE, decorator: 'OnLeaderMessage', event: 'message' },
  { metadataKey: LEADER_ONLY, decorator: 'LeaderOnly', event: null },
] as const;

@Injectable()
export class LeaderElectionExplorer implements OnModuleInit {
  private readonly logger = new Logger(LOG_CONTEXT);

  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(ElectionRegistry) private readonly registry: ElectionRegistry,
  ) {}

  onModuleInit(): void {
    const providers = this.discovery.getProviders();
    if (providers.filter(({ token }) => token === ElectionRegistry).length > 1) {
      throw new Error(
        'LeaderElectionModule.forRoot stands twice in this application: use forFeature for further elections',
      );
    }
    // A provider that several modules know under an alias is one instance, and is tied once.
    const seen = new Set<unknown>();
    for (const wrapper of [...providers, ...this.discovery.getControllers()]) {
      if (wrapper.isTransient || !wrapper.isDependencyTreeStatic()) {
        this.warn(wrapper);
        continue;
      }
      const instance = wrapper.instance as unknown;
      if (typeof instance !== 'object' || instance === null || seen.has(instance)) continue;
      seen.add(instance);
      this.tie(instance, wrapper);
    }
  }

  private tie(instance: object, wrapper: InstanceWrapper): void {
    for (const found of this.decorated(Object.getPrototypeOf(instance) as object | null)) {
      const { decorator, event, method, options, key } = found;
      const where = `@${decorator} on ${wrapper.name}.${key}`;
      if (event === null) {
        this.election(options.election, where);
        bindInstance(instance, this.registry);
        continue;
      }
      const election = this.election(options.name, where);
      election.on(event, (argument: unknown) => void this.call(instance, method, argument, where));
    }
  }

  /** A handler's trouble is logged: it must not end the process, nor keep other handlers from being called. */
  private async call(instance: object, method: Method, argument: unknown, where: string) {
    try {
      await method.call(instance, argument);
    } catch (error) {
      this.logger.error(`${where}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }

  private election(name: string | undefined, where: string): Election {
    const election = this.registry.find(name);
    if (election === undefined) {
      throw new Error(
        `${where} names the election '${name}', which no forRoot or forFeature sets up ` +
          `(there are: ${this.registry.names.join(', ')})`,
      );
    }
    return election;
  }

  private warn(wrapper: InstanceWrapper): void {
    const metatype = wrapper.metatype as { prototype?: object } | null;
    for (const { decorator, key } of this.decorated(metatype?.prototype ?? null)) {
      this.logger.warn(
        `@${decorator} on ${wrapper.name}.${key} is ignored: ${wrapper.name} is request-scoped or transient`,
      );
    }
  }

  private *decorated(prototype: object | null) {
    if (prototype === null) return;
    for (const key of this.scanner.getAllMethodNames(prototype)) {
      const method = (prototype as Record<string, unknown>)[key];
      if (typeof method !== 'function') continue;
      for (const { metadataKey, decorator, event } of DECORATORS) {
        const options = Reflect.getOwnMetadata(metadataKey, method) as
          { name?: string; election?: string } | undefined;
        if (options !== undefined)
          yield { decorator, event, key, method: method as Method, options };
      }
    }
  }
}
