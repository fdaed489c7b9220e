import { delay } from '@postern/runtime';
import type { Planned } from './plan.ts';

export interface GateOptions {
  /** How many messages may be begun after a disturbance is due and before it strikes. */
  ahead: number;
  /** Messages begun a second, at most. */
  perSecond: number | undefined;
}

/**
 * Numbers the messages, tells when a disturbance is due, and holds the clients back: to their pace, and while the schedule
 * is behind, so that no disturbance strikes when all is over.
 */
export class Gate {
  readonly #total: number;
  readonly #plan: readonly Planned[];
  readonly #options: GateOptions;
  #begun = 0;
  #struck = 0;
  #nextAt = 0;
  #watchers = new Set<() => void>();

  constructor(total: number, plan: readonly Planned[], options: GateOptions) {
    this.#total = total;
    this.#plan = plan;
    this.#options = options;
  }

  get begun(): number {
    return this.#begun;
  }

  /** The number of the next message, from 0; undefined when there are no more. */
  async begin(): Promise<number | undefined> {
    await this.#keepPace();
    await this.#until(() => this.#begun >= this.#total || this.#begun < this.#limit());
    if (this.#begun >= this.#total) return undefined;
    this.#begun += 1;
    this.#notify();
    return this.#begun - 1;
  }

  /** Resolves when so many messages have been begun. */
  reached(at: number): Promise<void> {
    return this.#until(() => this.#begun >= Math.min(at, this.#total));
  }

  /** The next disturbance of the plan has begun. */
  struck(): void {
    this.#struck += 1;
    this.#notify();
  }

  #limit(): number {
    return (this.#plan[this.#struck]?.at ?? Number.POSITIVE_INFINITY) + this.#options.ahead;
  }

  async #keepPace(): Promise<void> {
    const { perSecond } = this.#options;
    if (perSecond === undefined) return;
    const now = performance.now();
    const at = Math.max(now, this.#nextAt);
    this.#nextAt = at + 1000 / perSecond;
    await delay(at - now);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#watchers.add(resolve));
  }

  #notify(): void {
    const watchers = this.#watchers;
    this.#watchers = new Set();
    for (const watcher of watchers) watcher();
  }
}
