/** How `max_leaders` and the take-overs are read from the notes of belief. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { intervals, mostAtOnce, takeoverMs } from './beliefs.js';
import type { Member } from './processes.js';

const MS = 1_000_000;
const directory = mkdtempSync(path.join(tmpdir(), 'interrex-beliefs-'));
after(() => rmSync(directory, { recursive: true }));

let counter = 0;

/** A member that took these notes (in milliseconds), was stopped at `stops`, and ended at `ended`. */
function member(
  notes: Record<string, number>[],
  { stops = [], ended }: { stops?: number[]; ended?: number } = {},
): Member {
  const beliefs = path.join(directory, String(++counter));
  const line = (note: Record<string, number>) =>
    `${JSON.stringify(Object.fromEntries(Object.entries(note).map(([key, ms]) => [key, String(ms * MS)])))}\n`;
  writeFileSync(beliefs, notes.map(line).join(''));
  return {
    beliefs,
    stops: stops.map((ms) => BigInt(ms * MS)),
    endedNs: ended === undefined ? undefined : BigInt(ended * MS),
  } as Member;
}

const closed = (
  from: number,
  to: number,
  leftNs: number,
  next: number,
): Record<string, number>[] => [{ from }, { from, to, leftNs, next }];
const most = (...members: Member[]) => mostAtOnce(intervals(members, BigInt(1e6 * MS)));

test('beliefs one after another are one leader, overlapping ones are two', () => {
  assert.equal(most(member(closed(0, 100, 1500, 102)), member(closed(101, 300, 1500, 302))), 1);
  assert.equal(most(member(closed(0, 100, 1500, 102)), member(closed(99, 300, 1500, 302))), 2);
  assert.equal(
    most(member(closed(0, 100, 0, 102)), member([{ from: 50 }]), member([{ from: 60 }])),
    3,
  );
  assert.equal(most(member([])), 0);
});

test('a stopped member believes until its deadline, or until it was heard to say no', () => {
  const stopped = member(closed(0, 1000, 1500, 9000), { stops: [1001] });
  assert.equal(most(stopped, member([{ from: 2499 }])), 2);
  assert.equal(most(stopped, member([{ from: 2500 }])), 1);
  const woken = member(closed(0, 1000, 1500, 1200), { stops: [1001] });
  assert.equal(most(woken, member([{ from: 1199 }])), 2);
  assert.equal(most(woken, member([{ from: 1201 }])), 1);
});

test('a killed member believes until the kill, one whose belief has no end until now', () => {
  assert.equal(most(member([{ from: 0 }], { ended: 500 }), member([{ from: 499 }])), 2);
  assert.equal(most(member([{ from: 0 }], { ended: 500 }), member([{ from: 501 }])), 1);
  assert.equal(most(member([{ from: 0 }]), member([{ from: 501 }])), 2);
});

test('a take-over counts from the kill to the next belief of somebody else', () => {
  const victim = member([...closed(0, 100, 0, 102), { from: 700 }]);
  const all = intervals([victim, member([{ from: 625 }])], BigInt(1e6 * MS));
  assert.equal(takeoverMs(all, victim, BigInt(600 * MS)), 25);
  assert.equal(takeoverMs(all, victim, BigInt(650 * MS)), undefined);
});
