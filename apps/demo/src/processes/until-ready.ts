import { delay, monotonicMs } from '@postern/runtime';

/**
 * Waits until a service answers 200 at this address. Rejects after `boundMs`, with its last answer, and at once with the
 * signal's reason when it aborts.
 */
export async function untilReady(name: string, url: string, boundMs: number, signal: AbortSignal): Promise<void> {
  const deadline = monotonicMs() + boundMs;
  let last = 'nothing answers';
  while (monotonicMs() < deadline) {
    try {
      const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(2_000)]) });
      if (response.ok) return;
      last = `${response.status} ${await response.text()}`;
    } catch (error) {
      signal.throwIfAborted();
      last = error instanceof Error ? error.message : String(error);
    }
    await delay(100, signal);
  }
  throw new Error(`The ${name} was not ready within ${boundMs / 1000} s (${url}: ${last})`);
}
