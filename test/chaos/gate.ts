import type { Planned } from './plan.ts';

/** How many messages may be begun after a disturbance is due and before it strikes. */
const AHEAD = 20;

/**
 * Numbers the messages, tells when a disturbance is due, and holds the clients back while the schedule is behind, so that
 * no disturbance strikes when all is over.
 */
export class Gate {
  readonly #total: number;
  readonly #plan: readonly Planned[];
  #begun = 0;
  #struck = 0;
  #watchers = new Set<() => void>();

  constructor(total: number, plan: readonly Planned[]) {
    this.#total = total;
    this.#plan = plan;
  }

  get begun(): number {
    return this.#begun;
  }

  /** The number of the next message, from 0; undefined when there are no more. */
  async begin(): Promise<number | undefined> {
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
    return (this.#plan[this.#struck]?.at ?? Number.POSITIVE_INFINITY) + AHEAD;
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
