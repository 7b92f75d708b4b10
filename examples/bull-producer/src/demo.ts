/**
 * Runs the whole: Redis, the event store, three producers, two workers, two reporters; kills leaders
 * under the stream of events; then counts. README.md says what each figure means.
 */
import { readFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import type { Redis } from 'ioredis';
import { intervals, mostAtOnce, takeoverMs } from './beliefs.js';
import { ATTEMPTS, EVENTS, FINISHED, type Report } from './names.js';
import {
  directory,
  endAll,
  fail,
  failed,
  Member,
  startMember,
  startRedis,
  until,
} from './processes.js';
import { type Progress, View } from './view.js';

const NO_ELECTION = Boolean(process.env.DEMO_NO_ELECTION);
const EVENTS_TOTAL = 2400;
const PER_SECOND = NO_ELECTION ? 200 : 45;
/** So many events are kept back until the last kill is over: every kill comes under the stream. */
const KEPT_BACK = 200;
const BATCH_MS = 50;
/** What is still missing after so long without progress is lost. */
const LOST_AFTER_MS = 20_000;
const LIMIT_MS = 170_000;
const REPORT = path.join(directory, 'report.txt');

type Signal = 'SIGKILL' | 'SIGTERM' | 'SIGSTOP';
type Group = 'producer' | 'reporter';
const KILLS: [Group, Signal][] = [
  ['producer', 'SIGKILL'],
  ['reporter', 'SIGKILL'],
  ['producer', 'SIGTERM'],
  ['reporter', 'SIGTERM'],
  ['producer', 'SIGSTOP'],
  ['reporter', 'SIGSTOP'],
];

interface Kill {
  group: Group;
  signal: Signal;
  victim: Member;
  atNs: bigint;
}

class Demo {
  private readonly progress: Progress = {
    events: EVENTS_TOTAL,
    appended: 0,
    attempts: 0,
    finished: 0,
  };
  private readonly everyone: Member[] = [];
  private readonly kills: Kill[] = [];
  private readonly started = new Map<string, number>();
  private readonly view = new View(this.progress, () =>
    this.everyone.filter((m) => this.isShown(m)),
  );
  private killing = !NO_ELECTION;
  private port = 0;
  private redis!: Redis;

  async run(): Promise<boolean> {
    this.view.say(NO_ELECTION ? 'no election: everyone believes to lead' : 'starting');
    ({ port: this.port, redis: this.redis } = await startRedis());
    for (const place of [1, 2, 3]) this.start('producer', place);
    for (const place of [1, 2]) this.start('reporter', place);
    for (const place of [1, 2]) this.start('worker', place);
    this.view.start();
    await until('everyone is ready', () => this.everyone.every(({ ready }) => ready));
    await until(
      'both elections have a leader',
      () => !!this.leader('producer') && !!this.leader('reporter'),
    );
    await Promise.all([this.append(), this.killLeaders(), this.watchProgress()]);
    await this.settle();
    await Promise.all(this.everyone.map((member) => member.end()));
    return this.count();
  }

  // ---- the play ------------------------------------------------------------------------------

  private start(group: Member['group'], place: number): Member {
    const which = `${group}-${place}`;
    const incarnation = (this.started.get(which) ?? 0) + 1;
    this.started.set(which, incarnation);
    const label = incarnation === 1 ? which : `${which}.${incarnation}`;
    const environment = {
      DEMO_PORT: String(this.port),
      DEMO_ELECTION: NO_ELECTION ? `${group}s-${label}` : `${group}s`,
      DEMO_REPORT: REPORT,
    };
    const member = startMember(group, label, environment, (who, it) => this.hear(who, it));
    this.everyone.push(member);
    return member;
  }

  private hear(member: Member, it: Report): void {
    if (it.kind === 'leads' && it.leads) this.view.say(`${member.label} leads, term ${it.term}`);
    if (it.kind === 'says') this.view.say(`${member.label} ${it.text}`);
  }

  private async append(): Promise<void> {
    const begun = Date.now();
    let heldMs = 0;
    while (this.progress.appended < EVENTS_TOTAL) {
      await this.pause(BATCH_MS);
      const limit = this.killing ? EVENTS_TOTAL - KEPT_BACK : EVENTS_TOTAL;
      const due = Math.min(limit, Math.floor(((Date.now() - begun - heldMs) / 1000) * PER_SECOND));
      if (this.killing && due === limit) heldMs += BATCH_MS;
      const pipeline = this.redis.pipeline();
      for (let n = this.progress.appended + 1; n <= due; n++) pipeline.xadd(EVENTS, '*', 'n', n);
      await pipeline.exec();
      this.progress.appended = Math.max(this.progress.appended, due);
    }
  }

  private async killLeaders(): Promise<void> {
    if (NO_ELECTION) return;
    const step = (EVENTS_TOTAL - KEPT_BACK) / (KILLS.length + 1);
    for (const [index, [group, signal]] of KILLS.entries()) {
      await until('events for the next kill', () => this.progress.appended >= step * (index + 0.5));
      await this.killLeader(group, signal);
    }
    this.killing = false;
  }

  private async killLeader(group: Group, signal: Signal): Promise<void> {
    await until(`a leader of the ${group}s`, () => this.leader(group) !== undefined);
    const victim = this.leader(group)!;
    const atNs = victim.kill(signal);
    this.kills.push({ group, signal, victim, atNs });
    this.view.say(`${signal} to ${victim.label}, which leads`);
    await until(`a successor of ${victim.label}`, () => {
      const leader = this.leader(group);
      return leader !== undefined && leader !== victim;
    });
    if (signal === 'SIGSTOP') {
      await this.pause(500);
      victim.kill('SIGCONT');
      this.view.say(`SIGCONT to ${victim.label}`);
      await until(`${victim.label} to see that it leads no longer`, () => !victim.leads);
      return;
    }
    const replacement = this.start(group, Number(/\d+/.exec(victim.label)![0]));
    await until(`${replacement.label} to be ready`, () => replacement.ready);
  }

  private async watchProgress(): Promise<void> {
    let changed = Date.now();
    let before = -1;
    do {
      await this.pause(100);
      this.progress.attempts = await this.redis.xlen(ATTEMPTS);
      this.progress.finished = await this.redis.xlen(FINISHED);
      const now = this.progress.appended + this.progress.attempts + this.progress.finished;
      if (now !== before) changed = Date.now();
      before = now;
    } while (
      (this.progress.appended < EVENTS_TOTAL || this.progress.finished < EVENTS_TOTAL) &&
      Date.now() - changed < LOST_AFTER_MS
    );
  }

  /** Whoever would still add or finish something too much gets the time to do it. */
  private async settle(): Promise<void> {
    let before = -1;
    let now = await this.redis.xlen(ATTEMPTS);
    while (now !== before) {
      await this.pause(1500);
      before = now;
      now = await this.redis.xlen(ATTEMPTS);
    }
    const tails = this.everyone.filter(({ group, alive }) => group === 'producer' && alive);
    await until('every producer has seen every event', () =>
      tails.every(({ seen }) => seen === EVENTS_TOTAL),
    );
  }

  private leader(group: Group): Member | undefined {
    return this.everyone.find((m) => m.group === group && m.alive && !m.stopped && m.leads);
  }

  /** Of a process and those that took its place, the latest. */
  private isShown(member: Member): boolean {
    const place = member.label.split('.')[0]!;
    return this.everyone.findLast(({ label }) => label.split('.')[0] === place) === member;
  }

  private pause(ms: number): Promise<void> {
    return Promise.race([failed, new Promise<void>((resolve) => setTimeout(resolve, ms))]);
  }

  // ---- the count -----------------------------------------------------------------------------

  private async count(): Promise<boolean> {
    const attempts = await this.numbers(ATTEMPTS);
    const added = attempts.filter(({ refused }) => !refused).map(({ n }) => n);
    const finished = (await this.numbers(FINISHED)).map(({ n }) => n);
    const jobs = finished.length;
    const lost = EVENTS_TOTAL - new Set(finished).size;
    const duplicates = doubles(added) + doubles(finished);
    const nowNs = process.hrtime.bigint();
    const beliefs = (group: Group) =>
      intervals(
        this.everyone.filter((m) => m.group === group),
        nowNs,
      );
    const believed = { producer: beliefs('producer'), reporter: beliefs('reporter') };
    const maxLeaders = Math.max(mostAtOnce(believed.producer), mostAtOnce(believed.reporter));
    const takeovers = this.kills.map(({ group, victim, atNs }) =>
      takeoverMs(believed[group], victim, atNs),
    );
    const failovers = takeovers.filter((ms) => ms !== undefined);
    this.view.stop();

    const problems = this.problems(attempts.length, failovers.length, maxLeaders);
    for (const [index, kill] of this.kills.entries()) {
      const ms = takeovers[index];
      console.log(
        `  ${kill.signal} to ${kill.victim.label}: ${ms === undefined ? 'nobody took over' : `a successor after ${ms.toFixed(1)} ms`}`,
      );
    }
    for (const problem of problems) console.log(`  not as it should be: ${problem}`);
    const slowest = Math.ceil(Math.max(0, ...failovers));
    console.log(
      `events=${EVENTS_TOTAL} jobs=${jobs} duplicates=${duplicates} lost=${lost} adds=${attempts.length} ` +
        `max_leaders=${maxLeaders} failovers=${failovers.length} slowest_failover_ms=${slowest}`,
    );
    return problems.length === 0 && jobs === EVENTS_TOTAL && duplicates === 0 && lost === 0;
  }

  private problems(attempts: number, failovers: number, maxLeaders: number): string[] {
    const found: string[] = [];
    // A leader that is stopped between its check and its write may send one add, which the fence refuses.
    const stops = this.kills.filter(
      ({ group, signal }) => group === 'producer' && signal === 'SIGSTOP',
    ).length;
    if (attempts > EVENTS_TOTAL + stops)
      found.push(`${attempts} adds for ${EVENTS_TOTAL} events: there was more than one producer`);
    if (maxLeaders !== 1)
      found.push(`${maxLeaders} members of one election believed to lead at one time`);
    if (!NO_ELECTION && failovers !== KILLS.length)
      found.push(`${failovers} of ${KILLS.length} kills had a successor`);
    const report = existsSync(REPORT) ? readFileSync(REPORT, 'utf8').trim().split('\n') : [];
    if (report.length === 0) found.push('nobody wrote the report');
    const terms = report.map((line) => Number(line.split(' ')[0]));
    if (terms.some((term, index) => term < (terms[index - 1] ?? 0)))
      found.push('more than one reporter wrote the report at a time');
    return found;
  }

  private async numbers(stream: string): Promise<{ n: number; refused: boolean }[]> {
    const entries = await this.redis.xrange(stream, '-', '+');
    return entries.map(([, fields]) => ({
      n: Number(fields[1]),
      refused: fields.includes('refused'),
    }));
  }
}

function doubles(numbers: number[]): number {
  return numbers.length - new Set(numbers).size;
}

async function main(): Promise<void> {
  let code = 1;
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.on(signal, () => void endAll().finally(() => process.exit(128 + number)));
  }
  const limit = setTimeout(() => fail(`not done after ${LIMIT_MS / 1000} s`), LIMIT_MS);
  try {
    const demo = new Demo();
    code = (await Promise.race([demo.run(), failed])) ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  } finally {
    clearTimeout(limit);
    await endAll();
  }
  process.exit(code);
}

void main();
