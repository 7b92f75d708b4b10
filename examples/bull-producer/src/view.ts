/**
 * What one sees: on a terminal a picture that is redrawn, elsewhere plain lines. It only shows.
 */
import type { Member } from './processes.js';

const BAR = 40;
const LINES = 8;
const REDRAW_MS = 150;
const PLAIN_MS = 5000;

export interface Progress {
  events: number;
  appended: number;
  attempts: number;
  finished: number;
}

export class View {
  private readonly tty = process.stdout.isTTY === true;
  private readonly begun = Date.now();
  private readonly story: string[] = [];
  private drawn = 0;
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly progress: Progress,
    private readonly members: () => Member[],
  ) {}

  start(): void {
    this.timer = setInterval(
      () => (this.tty ? this.draw() : this.say(this.counts())),
      this.tty ? REDRAW_MS : PLAIN_MS,
    );
  }

  stop(): void {
    clearInterval(this.timer);
    if (this.tty && this.drawn > 0) this.draw();
  }

  say(text: string): void {
    const line = `${((Date.now() - this.begun) / 1000).toFixed(1).padStart(6)} s  ${text}`;
    if (!this.tty) return void process.stdout.write(`${line}\n`);
    this.story.push(line);
    this.draw();
  }

  private counts(): string {
    const { events, appended, attempts, finished } = this.progress;
    return `${appended} of ${events} events appended, ${attempts} adds, ${finished} jobs finished`;
  }

  private draw(): void {
    const { events, finished } = this.progress;
    const full = Math.round((BAR * finished) / events);
    const lines = [
      '',
      `  ${'█'.repeat(full)}${'░'.repeat(BAR - full)}`,
      `  ${this.counts()}`,
      '',
      ...this.members().map((member) => `  ${this.row(member)}`),
      '',
      ...this.story.slice(-LINES),
    ];
    const width = process.stdout.columns || 80;
    const up = this.drawn > 0 ? `\x1b[${this.drawn}A\x1b[J` : '';
    process.stdout.write(up + lines.map((line) => `${line.slice(0, width - 1)}\n`).join(''));
    this.drawn = lines.length;
  }

  private row(member: Member): string {
    const state = !member.alive
      ? 'killed'
      : member.stopped
        ? 'STOPPED'
        : !member.ready
          ? 'starting'
          : member.leads
            ? '★ LEADS'
            : member.group === 'worker'
              ? 'works'
              : 'follows';
    const seen = member.group === 'producer' ? `  has seen ${member.seen} events` : '';
    const term = member.leads ? `  term ${member.term}` : '';
    return `${member.label.padEnd(14)} pid ${String(member.pid).padEnd(8)} ${state.padEnd(9)}${seen}${term}`;
  }
}
