import { type Close, toClose } from './disconnects.ts';

const SILENCE_MARGIN_MS = 5000;

/**
 * Notices what Baileys does not, or not in time: an attempt to connect that never ends, and a link that has gone silent
 * although a ping goes out every `keepAliveIntervalMs` (Baileys notices too, then waits up to 30 s for it to close).
 */
export class Watchdog {
  readonly #onExpired: (close: Close) => void;
  readonly #connectTimeoutMs: number;
  readonly #silence: NodeJS.Timeout;
  #connecting: NodeJS.Timeout | undefined;
  #lastFrameAt = performance.now();

  constructor(options: { connectTimeoutMs: number; keepAliveIntervalMs: number; onExpired: (close: Close) => void }) {
    this.#onExpired = options.onExpired;
    this.#connectTimeoutMs = options.connectTimeoutMs;
    const silentAfterMs = options.keepAliveIntervalMs + SILENCE_MARGIN_MS;
    this.#silence = setInterval(() => {
      if (this.#connecting || performance.now() - this.#lastFrameAt < silentAfterMs) return;
      options.onExpired(toClose({ output: { statusCode: 408 } }, false));
    }, 1000);
    this.expectProgress();
  }

  /** Something came from the server. */
  onFrame(): void {
    this.#lastFrameAt = performance.now();
  }

  /** The session must be connected, or ask a person for something, within the connect timeout from now. */
  expectProgress(): void {
    this.onProgress();
    const detail = `not connected within ${this.#connectTimeoutMs} ms`;
    this.#connecting = setTimeout(
      () => this.#onExpired({ reason: 'connect_timeout', code: undefined, detail }),
      this.#connectTimeoutMs,
    );
  }

  onProgress(): void {
    clearTimeout(this.#connecting);
    this.#connecting = undefined;
    this.onFrame();
  }

  stop(): void {
    clearTimeout(this.#connecting);
    clearInterval(this.#silence);
  }
}
