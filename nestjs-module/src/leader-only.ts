/**
 * What a `@LeaderOnly` call does: whether the method runs is the election's answer at that moment,
 * and while it runs it is leader work, which a graceful end of the leadership waits for. It never
 * waits for a leadership, and never runs a method twice.
 */
import { type Election, InterrexError } from 'interrex';
import type { LeaderOnlyOptions } from './decorators.js';
import type { ElectionRegistry } from './registry.js';

export type Method = (...args: unknown[]) => unknown;

/** Which application an instance belongs to; several may live in one process, in tests above all. */
const registries = new WeakMap<object, ElectionRegistry>();

export function bindInstance(instance: object, registry: ElectionRegistry): void {
  registries.set(instance, registry);
}

export async function callAsLeader(
  instance: object,
  method: Method,
  args: unknown[],
  options: LeaderOnlyOptions,
): Promise<unknown> {
  const where = `${instance?.constructor.name}.${method.name}`;
  const registry = registries.get(instance);
  if (registry === undefined) {
    throw new Error(
      `${where} is @LeaderOnly, but this instance belongs to no LeaderElectionModule: ` +
        'it must be a provider or controller, neither request-scoped nor transient, of an initialized application',
    );
  }
  const election = registry.find(options.election);
  const run =
    election?.isLeader() === true ? await work(election, () => method.apply(instance, args)) : null;
  if (run !== null) return run.value;
  if (options.else === undefined || options.else === 'skip') return undefined;
  if (options.else !== 'throw') return options.else;
  throw new InterrexError(
    `${where} runs on the leader only, and this instance does not lead`,
    'NOT_LEADER',
  );
}

/**
 * Runs `fn` as leader work if this member leads now; null if it no longer does. `lead` begins on a
 * microtask if it can begin at all; `once` takes back one that would wait for another leadership, or
 * for the same function to be called again.
 */
async function work(election: Election, fn: () => unknown): Promise<{ value: unknown } | null> {
  const once = new AbortController();
  const giveUp = setImmediate(() => once.abort());
  let outcome: { value: unknown } | { error: unknown } | undefined;
  const led = election.lead(
    async () => {
      clearImmediate(giveUp);
      try {
        outcome = { value: await fn() };
      } catch (error) {
        outcome = { error };
      }
      once.abort();
    },
    { signal: once.signal, keep: true },
  );
  try {
    await led;
  } catch (error) {
    // Taken back, or stopped meanwhile: what counts is how far `fn` came.
    if (outcome === undefined && !once.signal.aborted && !(error instanceof InterrexError))
      throw error;
  } finally {
    clearImmediate(giveUp);
  }
  if (outcome === undefined) return null;
  if ('error' in outcome) throw outcome.error;
  return outcome;
}
