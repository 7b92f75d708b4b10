/**
 * The decorators. `OnElected`, `OnDefeated` and `OnLeaderMessage` only leave metadata for the
 * explorer; `InjectElection` names a token; `LeaderOnly` wraps its method there and then, because other decorators (a cron, a
 * job handler) keep the function they find. They never look for an election themselves: which one an
 * instance belongs to is the explorer's to say.
 */
import { Inject } from '@nestjs/common';
import {
  getElectionToken,
  LEADER_ONLY,
  ON_DEFEATED,
  ON_ELECTED,
  ON_LEADER_MESSAGE,
} from './constants.js';
import { callAsLeader, type Method } from './leader-only.js';

/** Of a method that returns a promise. */
export type AsyncMethodDecorator = <T extends (...args: never[]) => Promise<unknown>>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void;

/** How a {@link LeaderOnly} method answers where this instance does not lead. */
export interface LeaderOnlyOptions {
  /** The election's name; that of `forRoot` if absent. */
  election?: string;
  /**
   * `'skip'` (default) resolves with undefined, `'throw'` rejects with the code `NOT_LEADER`; any other value is
   * what the promise resolves with.
   */
  else?: unknown;
}

/**
 * Calls the method with the `Leadership` each time this instance is elected. What it throws is logged.
 *
 * @param name - the election's name; that of `forRoot` if absent
 */
export function OnElected(name?: string): MethodDecorator {
  return keepMetadata(ON_ELECTED, { name });
}

/**
 * Calls the method with `{ term, reason, leader }` each time this instance's leadership has ended.
 * What it throws is logged.
 *
 * @param name - the election's name; that of `forRoot` if absent
 */
export function OnDefeated(name?: string): MethodDecorator {
  return keepMetadata(ON_DEFEATED, { name });
}

/**
 * Calls the method with `{ data, from, fromLeader }` for each message that another member sent to this instance:
 * `fromLeader` says whether that member led. What it throws is logged.
 *
 * @param name - the election's name; that of `forRoot` if absent
 */
export function OnLeaderMessage(name?: string): MethodDecorator {
  return keepMetadata(ON_LEADER_MESSAGE, { name });
}

/**
 * Runs the method only while this instance leads. A call counts as leader work: a graceful end of the
 * leadership waits for it, up to `drainLimit`. The method must return a promise.
 *
 * It works on methods of providers and controllers that are neither request-scoped nor transient, and
 * may stand above or below other decorators.
 */
export function LeaderOnly(options: LeaderOnlyOptions = {}): AsyncMethodDecorator {
  return (_target, key, descriptor) => {
    const method: unknown = descriptor.value;
    if (!isMethod(method)) {
      throw new TypeError(`@LeaderOnly stands on ${String(key)}, which is not a method`);
    }
    const wrapper = function (this: object, ...args: unknown[]): unknown {
      return callAsLeader(this, method, args, options);
    };
    Object.defineProperty(wrapper, 'name', { value: method.name, configurable: true });
    Object.defineProperty(wrapper, 'length', { value: method.length, configurable: true });
    // What the decorators below have left on the function must be found on what replaces it.
    for (const metadataKey of Reflect.getOwnMetadataKeys(method)) {
      Reflect.defineMetadata(metadataKey, Reflect.getOwnMetadata(metadataKey, method), wrapper);
    }
    Reflect.defineMetadata(LEADER_ONLY, options, wrapper);
    descriptor.value = wrapper as unknown as typeof descriptor.value;
  };
}

/**
 * Injects an `Election`.
 *
 * @param name - one that `forFeature` set up; that of `forRoot` if absent
 */
export function InjectElection(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getElectionToken(name));
}

function keepMetadata(metadataKey: symbol, value: { name?: string }): MethodDecorator {
  return (_target, key, descriptor: PropertyDescriptor) => {
    const method: unknown = descriptor.value;
    if (!isMethod(method)) {
      throw new TypeError(
        `@OnElected, @OnDefeated or @OnLeaderMessage stands on ${String(key)}, which is not a method`,
      );
    }
    Reflect.defineMetadata(metadataKey, value, method);
  };
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}
