/**
 * The names under which the module keeps what it knows: metadata keys and injection tokens. Nothing
 * here may be read by an application; `getElectionToken` is the public way to a token.
 */

export const LEADER_ELECTION_OPTIONS = Symbol('interrex:options');

/** On a method: where its {@link OnElected} handler belongs. */
export const ON_ELECTED = Symbol('interrex:on-elected');
/** On a method: where its {@link OnDefeated} handler belongs. */
export const ON_DEFEATED = Symbol('interrex:on-defeated');
/** On a method: where its {@link OnLeaderMessage} handler belongs. */
export const ON_LEADER_MESSAGE = Symbol('interrex:on-leader-message');
/** On a method: the options of {@link LeaderOnly}. */
export const LEADER_ONLY = Symbol('interrex:leader-only');

/** The logger's context, and the prefix of every line this module logs. */
export const LOG_CONTEXT = 'LeaderElection';

/** How long after the boot the shutdown hooks are looked for: `createApplicationContext` boots before they are enabled. */
export const HOOKS_CHECK_DELAY_MS = 1000;

/**
 * The injection token of an election.
 *
 * @param name - an election's name; without it the one that `forRoot` set up
 */
export function getElectionToken(name?: string): string {
  return name === undefined ? 'interrex:election' : `interrex:election:${name}`;
}
