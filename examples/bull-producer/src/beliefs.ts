/**
 * Reads the notes of belief (see belief.ts) and says how many members of one election believed to lead
 * at one instant, and when which belief began. It errs on the strict side where it has to: a member
 * that was stopped counts as believing until its deadline, as though it had gone on asking; one that
 * was killed counts until the kill.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Member } from './processes.js';

interface Interval {
  member: Member;
  fromNs: bigint;
  toNs: bigint;
}

type Note = Partial<Record<'from' | 'to' | 'leftNs' | 'next' | 'term', string>>;

export function intervals(members: Member[], nowNs: bigint): Interval[] {
  return members.flatMap((member) => {
    const found: Interval[] = [];
    for (const note of notes(member.beliefs)) {
      const fromNs = BigInt(note.from!);
      if (note.to === undefined) {
        // Until the note that ends it, if there is one.
        found.push({ member, fromNs, toNs: member.endedNs ?? nowNs });
        continue;
      }
      const toNs = BigInt(note.to);
      const nextNs = BigInt(note.next!);
      const wasStopped = member.stops.some((at) => at <= nextNs && at >= toNs - 1_000_000_000n);
      const deadlineNs = toNs + BigInt(note.leftNs!);
      found.at(-1)!.toNs = wasStopped ? min(deadlineNs, nextNs) : toNs;
    }
    return found;
  });
}

/** The most intervals of different members that hold at one instant. */
export function mostAtOnce(all: Interval[]): number {
  const edges = all.flatMap(({ fromNs, toNs }) => [
    { at: fromNs, change: 1 },
    { at: toNs, change: -1 },
  ]);
  // At one instant an end comes before a beginning: intervals that only touch do not overlap.
  edges.sort((a, b) => (a.at === b.at ? a.change - b.change : a.at < b.at ? -1 : 1));
  let now = 0;
  let most = 0;
  for (const { change } of edges) most = Math.max(most, (now += change));
  return most;
}

/** From a kill until somebody else believed to lead. */
export function takeoverMs(all: Interval[], victim: Member, killedNs: bigint): number | undefined {
  const next = all
    .filter(({ member, fromNs }) => member !== victim && fromNs > killedNs)
    .map(({ fromNs }) => fromNs)
    .sort((a, b) => (a < b ? -1 : 1))[0];
  return next === undefined ? undefined : Number(next - killedNs) / 1e6;
}

function notes(file: string): Note[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  // A killed process may leave half a line.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Note);
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
