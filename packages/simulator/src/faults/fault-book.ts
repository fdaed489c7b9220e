import { type Fault, type FaultContext, type FaultKind, type FaultRule, isFaultFor } from './fault-rule.ts';

interface Entry {
  rule: FaultRule;
  skipped: number;
  hits: number;
}

const MAX_RULES = 1_000;

/**
 * The faults the simulator is asked to commit, oldest rule first.
 * A rule that has struck as often as it may stays listed with its hits, so that a test can read them, until it is
 * removed or 1,000 rules are exceeded; then the oldest spent one goes, or the addition is refused.
 */
export class FaultBook {
  readonly #entries = new Map<string, Entry>();
  readonly #random: () => number;
  #lastId = 0;

  /** The same seed and the same occasions give the same strikes. */
  constructor(seed = 1) {
    this.#random = createRandom(seed);
  }

  /** Adds a rule and returns its id. Throws a RangeError when 1,000 unspent rules are listed. */
  add(fault: Fault): string {
    if (this.#entries.size >= MAX_RULES) this.#dropOldestSpent();
    this.#lastId += 1;
    const id = `f${this.#lastId}`;
    this.#entries.set(id, { rule: { ...fault, id }, skipped: 0, hits: 0 });
    return id;
  }

  remove(id: string): boolean {
    return this.#entries.delete(id);
  }

  clear(): void {
    this.#entries.clear();
  }

  list(): (FaultRule & { hits: number })[] {
    return [...this.#entries.values()].map(({ rule, hits }) => ({ ...rule, hits }));
  }

  /**
   * Called at each place where a fault of this kind may strike; returns the rule that does, and counts its hit.
   * The occasion is offered to the rules in order until one strikes; those that skip it count it.
   */
  take(kind: FaultKind, context: FaultContext = {}): FaultRule | undefined {
    for (const entry of this.#entries.values()) {
      const { rule } = entry;
      if (rule.kind !== kind || isSpent(entry) || !isFaultFor(rule, context)) continue;
      if (entry.skipped < (rule.skip ?? 0)) {
        entry.skipped += 1;
        continue;
      }
      if (rule.probability !== undefined && this.#random() >= rule.probability) continue;
      entry.hits += 1;
      return rule;
    }
    return undefined;
  }

  #dropOldestSpent(): void {
    const spent = [...this.#entries].find(([, entry]) => isSpent(entry));
    if (!spent) throw new RangeError(`${MAX_RULES} fault rules are active; remove some first`);
    this.#entries.delete(spent[0]);
  }
}

function isSpent({ rule, hits }: Entry): boolean {
  return rule.count !== null && hits >= (rule.count ?? 1);
}

/** A linear congruential generator on 32 bits (constants of Numerical Recipes): repeatable, not unpredictable. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
