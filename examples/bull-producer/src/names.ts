/** The names that the demo's processes share: keys, queue, elections, and the environment they are told them in. */

/** The event store: a stream of `n`, 1 to N. */
export const EVENTS = 'demo:events';
/** One entry for each attempt to add a job: `n`, `by`, and `refused` if the fence kept it out. */
export const ATTEMPTS = 'demo:attempts';
/** One entry for each job that a worker finished: `n`, `by`. */
export const FINISHED = 'demo:finished';
export const QUEUE = 'work';

/** A producer's or reporter's surroundings, handed over by the demo. */
export interface Surroundings {
  /** Who this is, for people: producer-1 */
  label: string;
  port: number;
  /** The election's name. Without an election it is a name of the process's own: so everyone leads. */
  election: string;
  /** Where this process writes down when it believed to lead. */
  beliefs: string;
}

export function surroundings(): Surroundings {
  const given = (name: string): string => {
    const value = process.env[name];
    if (value === undefined || value === '') throw new Error(`${name} is missing: start ./demo`);
    return value;
  };
  return {
    label: given('DEMO_LABEL'),
    port: Number(given('DEMO_PORT')),
    election: given('DEMO_ELECTION'),
    beliefs: given('DEMO_BELIEFS'),
  };
}

/** What a child process tells the demo, one line of JSON on its standard output each. */
export type Report =
  | { kind: 'ready' }
  | { kind: 'leads'; leads: boolean; term: number }
  | { kind: 'seen'; seen: number }
  | { kind: 'says'; text: string };

export function report(it: Report): void {
  process.stdout.write(`${JSON.stringify(it)}\n`);
}
