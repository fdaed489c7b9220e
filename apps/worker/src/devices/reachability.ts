import type { Clock } from '@postern/runtime';
import type { Connection } from './connection.ts';

export interface ReachabilityOptions {
  /** How long no device may be connected before that is looked into, in milliseconds. */
  unreachableMs: number;
  /** Whether WhatsApp's server answers at all. */
  canReach: () => Promise<boolean>;
  /** Stands still while Redis is away. */
  clock: Clock;
}

/** How often a worker that is cut off tries to reach WhatsApp, in milliseconds. */
const RETRY_MS = 5_000;

/** Whether this worker is cut off from WhatsApp while others are not, so that its devices are better off there. */
export class Reachability {
  readonly #options: ReachabilityOptions;
  #offlineSince: number | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #isCutOff = false;

  constructor(options: ReachabilityOptions) {
    this.#options = options;
  }

  get isCutOff(): boolean {
    return this.#isCutOff;
  }

  /** To be called again and again, with the states of this worker's devices and whether WhatsApp reaches another worker. */
  async look(states: readonly Connection['state'][], isOtherConnected: boolean): Promise<void> {
    const { unreachableMs, canReach, clock } = this.#options;
    const now = clock();
    if (this.#isCutOff) {
      if (now - this.#askedAt < RETRY_MS) return;
      this.#askedAt = now;
      this.#isCutOff = !(await canReach());
      return;
    }
    const isOffline =
      states.some((state) => state === 'connecting' || state === 'disconnected') &&
      !states.some((state) => state === 'connected' || state === 'pairing');
    if (!isOffline) this.#offlineSince = undefined;
    else this.#offlineSince ??= now;
    if (this.#offlineSince === undefined || now - this.#offlineSince < unreachableMs || !isOtherConnected) return;
    // The accounts may have a problem, and not the way to WhatsApp.
    this.#offlineSince = undefined;
    this.#askedAt = now;
    this.#isCutOff = !(await canReach());
  }
}
