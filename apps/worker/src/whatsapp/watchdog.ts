import { type Clock, startTimer } from '@postern/runtime';
import { type Close, toClose } from './disconnects.ts';

const SILENCE_MARGIN_MS = 5000;

/**
 * Notices what Baileys does not, or not in time: an attempt to connect that never ends, and a link that has gone silent
 * although a ping goes out every `keepAliveIntervalMs` (Baileys notices too, then waits up to 30 s for it to close).
 * Time in which the clock stands still does not count: connecting needs what is stored.
 */
export class Watchdog {
  readonly #onExpired: (close: Close) => void;
  readonly #connectTimeoutMs: number;
  readonly #silence: NodeJS.Timeout;
  readonly #clock: Clock;
  #stopConnecting: (() => void) | undefined;
  #lastFrameAt: number;

  constructor(options: {
    connectTimeoutMs: number;
    keepAliveIntervalMs: number;
    clock: Clock;
    onExpired: (close: Close) => void;
  }) {
    this.#clock = options.clock;
    this.#lastFrameAt = this.#clock();
    this.#onExpired = options.onExpired;
    this.#connectTimeoutMs = options.connectTimeoutMs;
    const silentAfterMs = options.keepAliveIntervalMs + SILENCE_MARGIN_MS;
    this.#silence = setInterval(() => {
      if (this.#stopConnecting || this.#clock() - this.#lastFrameAt < silentAfterMs) return;
      options.onExpired(toClose({ output: { statusCode: 408 } }, false));
    }, 1000);
    this.expectProgress();
  }

  /** Something came from the server. */
  onFrame(): void {
    this.#lastFrameAt = this.#clock();
  }

  /** The session must be connected, or ask a person for something, within the connect timeout from now. */
  expectProgress(): void {
    this.onProgress();
    const detail = `not connected within ${this.#connectTimeoutMs} ms`;
    const onOverdue = () => this.#onExpired({ reason: 'connect_timeout', code: undefined, detail });
    this.#stopConnecting = startTimer(this.#connectTimeoutMs, onOverdue, this.#clock);
  }

  onProgress(): void {
    this.#stopConnecting?.();
    this.#stopConnecting = undefined;
    this.onFrame();
  }

  stop(): void {
    this.#stopConnecting?.();
    clearInterval(this.#silence);
  }
}
