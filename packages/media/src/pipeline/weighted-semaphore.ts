export interface AcquireOptions {
  /** Whose work it is; each one that waits gets its turn after the others. */
  owner?: string | undefined;
  /** Leaves the queue when it aborts. */
  signal?: AbortSignal | undefined;
}

export interface SemaphoreStats {
  active: number;
  waiting: number;
  /** Together, of what is active. */
  weight: number;
}

interface Waiter {
  weight: number;
  admit(): void;
}

/**
 * Admits work by its weight: together at most `capacity` and `maxActive` pieces, except that work heavier than all of it
 * is admitted alone. Owners take turns; what one owner asks for keeps its order. The next one in turn is waited for, so
 * that heavy work is not overtaken for ever.
 */
export class WeightedSemaphore {
  readonly #capacity: number;
  readonly #maxActive: number;
  /** In the order of their turns; only owners that wait. */
  readonly #waiting = new Map<string, Waiter[]>();
  #weight = 0;
  #active = 0;

  constructor(capacity: number, maxActive = Number.POSITIVE_INFINITY) {
    this.#capacity = capacity;
    this.#maxActive = maxActive;
  }

  get stats(): SemaphoreStats {
    const waiting = [...this.#waiting.values()].reduce((sum, { length }) => sum + length, 0);
    return { active: this.#active, waiting, weight: this.#weight };
  }

  /** Waits for admission; returns what must be called once when the work has ended. Rejects with the signal's reason. */
  async acquire(weight: number, { owner = '', signal }: AcquireOptions = {}): Promise<() => void> {
    signal?.throwIfAborted();
    await new Promise<void>((admit, reject) => {
      const onAbort = () => {
        this.#remove(owner, waiter);
        reject(signal?.reason);
        this.#admitNext();
      };
      const waiter: Waiter = {
        weight,
        admit: () => {
          signal?.removeEventListener('abort', onAbort);
          admit();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.set(owner, [...(this.#waiting.get(owner) ?? []), waiter]);
      this.#admitNext();
    });
    return () => {
      this.#weight -= weight;
      this.#active -= 1;
      this.#admitNext();
    };
  }

  #remove(owner: string, waiter: Waiter): void {
    const left = (this.#waiting.get(owner) ?? []).filter((other) => other !== waiter);
    if (left.length > 0) this.#waiting.set(owner, left);
    else this.#waiting.delete(owner);
  }

  #admitNext(): void {
    for (const [owner, [next]] of this.#waiting) {
      if (!next) continue;
      const isFull = this.#active >= this.#maxActive || this.#weight + next.weight > this.#capacity;
      if (this.#active > 0 && isFull) return;
      this.#remove(owner, next);
      // Behind the others, by being set anew; the loop comes to it again after them.
      const left = this.#waiting.get(owner);
      this.#waiting.delete(owner);
      if (left) this.#waiting.set(owner, left);
      this.#weight += next.weight;
      this.#active += 1;
      next.admit();
    }
  }
}
