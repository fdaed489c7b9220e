/**
 * Admits work by its weight, first come, first served: together at most `capacity`, except that work heavier than all of
 * it is admitted alone. A waiter that aborts leaves the queue.
 */
export class PixelGate {
  readonly #capacity: number;
  readonly #waiting: Waiter[] = [];
  #inFlight = 0;
  #active = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get stats(): { active: number; waiting: number; pixelsInFlight: number } {
    return { active: this.#active, waiting: this.#waiting.length, pixelsInFlight: this.#inFlight };
  }

  /** Waits for admission; returns what must be called once when the work has ended. Rejects with the signal's reason. */
  async acquire(weight: number, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    await new Promise<void>((admit, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
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
      this.#waiting.push(waiter);
      this.#admitNext();
    });
    return () => {
      this.#inFlight -= weight;
      this.#active -= 1;
      this.#admitNext();
    };
  }

  #admitNext(): void {
    for (let [next] = this.#waiting; next; [next] = this.#waiting) {
      if (this.#active > 0 && this.#inFlight + next.weight > this.#capacity) return;
      this.#waiting.shift();
      this.#inFlight += next.weight;
      this.#active += 1;
      next.admit();
    }
  }
}

interface Waiter {
  weight: number;
  admit(): void;
}
