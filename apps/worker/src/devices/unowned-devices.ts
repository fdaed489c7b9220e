import { monotonicMs } from '@postern/runtime';

/** The devices that nobody owned when this worker last looked, and which of them it leaves alone. */
export class UnownedDevices {
  readonly #since = new Map<string, number>();
  readonly #restingUntil = new Map<string, number>();
  readonly #refused = new Set<string>();

  /** Takes what is unowned now; the others are forgotten. */
  see(deviceIds: ReadonlySet<string>): void {
    const now = monotonicMs();
    for (const deviceId of this.#since.keys()) if (!deviceIds.has(deviceId)) this.#since.delete(deviceId);
    for (const deviceId of deviceIds) if (!this.#since.has(deviceId)) this.#since.set(deviceId, now);
    for (const deviceId of this.#refused) if (!deviceIds.has(deviceId)) this.#refused.delete(deviceId);
    for (const [deviceId, until] of this.#restingUntil) if (until < now) this.#restingUntil.delete(deviceId);
  }

  /** Those that may be claimed, and since when they are unowned, in monotonic milliseconds; longest first. */
  claimable(): [deviceId: string, since: number][] {
    return [...this.#since].filter(([deviceId]) => !this.#restingUntil.has(deviceId) && !this.#refused.has(deviceId));
  }

  /** Leaves a device alone for so long. */
  rest(deviceId: string, ms: number): void {
    this.#restingUntil.set(deviceId, monotonicMs() + ms);
  }

  /** Redis refused the claim. Its holder's renewals may have been refused, too: see `recheckRefused`. */
  refuse(deviceId: string): void {
    this.#refused.add(deviceId);
  }

  /** A refused device is claimable no sooner than `restMs` after Redis has taken a write for it: its holder goes first. */
  async recheckRefused(write: (deviceId: string) => Promise<void>, restMs: number): Promise<void> {
    const recheck = async (deviceId: string) => {
      await write(deviceId);
      this.#refused.delete(deviceId);
      this.rest(deviceId, restMs);
    };
    await Promise.allSettled([...this.#refused].map(recheck));
  }
}
