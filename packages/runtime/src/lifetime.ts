type Release = () => unknown;

/**
 * Everything a process acquired, released newest first.
 * Register a release right after acquiring; `stop()` runs each exactly once, also when an earlier one throws,
 * and then rejects with the only error or an AggregateError of all of them. Once `abandoned` aborts, what is left is
 * released without waiting for it.
 */
export class Lifetime {
  readonly #releases: Release[] = [];
  #stopped: Promise<void> | undefined;

  /** Registers a release and returns the acquired value unchanged. */
  use<T>(value: T, release: (value: T) => unknown): T {
    this.#releases.push(() => release(value));
    return value;
  }

  stop(abandoned?: AbortSignal): Promise<void> {
    this.#stopped ??= this.#release(abandoned);
    return this.#stopped;
  }

  async #release(abandoned?: AbortSignal): Promise<void> {
    const errors: unknown[] = [];
    const isAbandoned = new Promise<void>((resolve) => {
      if (abandoned?.aborted) resolve();
      else abandoned?.addEventListener('abort', () => resolve(), { once: true });
    });
    for (let release = this.#releases.pop(); release; release = this.#releases.pop()) {
      try {
        await Promise.race([release(), isAbandoned]);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, 'several releases failed');
  }
}

/** Runs a start-up that acquires into a Lifetime; when it throws half-way, what was acquired is released first. */
export async function withLifetime<T>(start: (lifetime: Lifetime) => Promise<T>): Promise<T> {
  const lifetime = new Lifetime();
  try {
    return await start(lifetime);
  } catch (error) {
    await lifetime.stop().catch((releaseError: unknown) => {
      throw new AggregateError([error, releaseError], 'start-up failed, and so did its clean-up');
    });
    throw error;
  }
}
