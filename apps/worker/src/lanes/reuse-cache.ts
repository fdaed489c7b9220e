import { monotonicMs } from '@postern/runtime';

export interface ReuseCacheOptions<V> {
  /** How long a value is reused, in milliseconds. 0: never, not even by who asks while it is made. */
  ttlMs: number;
  /** All values together; beyond it the one unused for longest goes. */
  maxWeight: number;
  weigh: (value: V) => number;
}

interface Entry<V> {
  value: V;
  weight: number;
  until: number;
}

/** A value that is being made, for as long as someone waits for it. */
interface Flight<V> {
  made: Promise<V>;
  waiting: number;
  abandoned: AbortController;
}

/** Values that are expensive to make, each made once for all who ask for it at the same time or soon after. */
export class ReuseCache<V> {
  readonly #options: ReuseCacheOptions<V>;
  readonly #entries = new Map<string, Entry<V>>();
  readonly #flights = new Map<string, Flight<V>>();
  #weight = 0;

  constructor(options: ReuseCacheOptions<V>) {
    this.#options = options;
  }

  /**
   * The value of this key; `reused` when another call has made it, or makes it now. A failure is told to all who wait and
   * kept for nobody. Rejects with the signal's reason at once; `make` is told to stop when nobody waits any more.
   */
  async get(key: string, signal: AbortSignal, make: (signal: AbortSignal) => Promise<V>) {
    signal.throwIfAborted();
    if (this.#options.ttlMs === 0) return { value: await make(signal), reused: false };
    const known = this.#find(key);
    if (known) return { value: known.value, reused: true };
    const running = this.#flights.get(key);
    const flight = running ?? this.#start(key, make);
    return { value: await this.#join(key, flight, signal), reused: running !== undefined };
  }

  /** Forgets every kept value of which this is true, so that the next call makes it anew. */
  forget(isUnwanted: (key: string, value: V) => boolean): void {
    for (const [key, { value }] of this.#entries) if (isUnwanted(key, value)) this.#remove(key);
  }

  /** Weight of what is kept. */
  get weight(): number {
    return this.#weight;
  }

  #find(key: string): Entry<V> | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.until <= monotonicMs()) {
      this.#remove(key);
      return undefined;
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  #start(key: string, make: (signal: AbortSignal) => Promise<V>): Flight<V> {
    const abandoned = new AbortController();
    const flight: Flight<V> = { made: make(abandoned.signal), waiting: 0, abandoned };
    this.#flights.set(key, flight);
    flight.made.then(
      (value) => this.#land(key, flight, value),
      () => this.#land(key, flight, undefined),
    );
    return flight;
  }

  #land(key: string, flight: Flight<V>, value: V | undefined): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
    if (value === undefined || flight.abandoned.signal.aborted) return;
    const weight = this.#options.weigh(value);
    if (weight > this.#options.maxWeight) return;
    this.#remove(key);
    this.#entries.set(key, { value, weight, until: monotonicMs() + this.#options.ttlMs });
    this.#weight += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.#options.maxWeight) return;
      this.#remove(oldest);
    }
  }

  async #join(key: string, flight: Flight<V>, signal: AbortSignal): Promise<V> {
    flight.waiting += 1;
    let onAbort = () => {};
    const aborted = new Promise<never>((_resolve, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([flight.made, aborted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      flight.waiting -= 1;
      if (flight.waiting === 0 && this.#flights.get(key) === flight) {
        this.#flights.delete(key);
        flight.abandoned.abort(signal.reason);
      }
    }
  }

  #remove(key: string): void {
    this.#weight -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
  }
}
