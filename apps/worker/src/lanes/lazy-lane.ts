import type { Lane } from '@postern/queue';

export interface LazyLaneOptions {
  open: () => Lane;
  /** How many messages wait. */
  depth: () => Promise<number>;
  /** Says whether the lane is open, for producers: an open lane needs no wake message. */
  announce: (isOpen: boolean) => Promise<void>;
  /** Whether an operator has paused the lane. */
  isPaused: () => Promise<boolean>;
  /** How often an open lane asks that without being told to, in milliseconds. */
  recheckMs: number;
  /** An open lane without messages is closed after this long, in milliseconds. */
  idleMs: number;
  onError: (error: unknown) => void;
}

/**
 * A lane that is open only while there is something to do, because an open one costs a connection. A wake is only a hint:
 * whoever holds this also wakes it for every lane in which something is found waiting.
 */
export class LazyLane {
  readonly #options: LazyLaneOptions;
  #lane: Lane | undefined;
  #running = false;
  /** Until it is known, nothing is taken in hand. */
  #paused = true;
  /** Whether what waits is taken in hand also while the lane is paused, because it can only fail. */
  #fails = false;
  #rechecking: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;
  #closing: Promise<void> = Promise.resolve();

  constructor(options: LazyLaneOptions) {
    this.#options = options;
  }

  get inHand(): number {
    return this.#lane?.inHand ?? 0;
  }

  get isOpen(): boolean {
    return this.#lane !== undefined;
  }

  /** Something waits, or may. */
  wake(): void {
    if (this.#closed) return;
    if (!this.#lane) {
      this.#lane = this.#options.open();
      this.#options.announce(true).catch(this.#options.onError);
      this.#rechecking = setInterval(() => this.recheckPause(), this.#options.recheckMs).unref();
      this.recheckPause();
    }
    this.#scheduleClose();
  }

  /** The device can send: messages may be taken in hand. */
  resume(): void {
    this.#running = true;
    this.#fails = false;
    this.#apply();
  }

  pause(): void {
    this.#running = false;
    this.#fails = false;
    this.#apply();
  }

  /** Nobody is logged in: what waits is taken in hand to fail, paused or not. */
  failAll(): void {
    this.#running = true;
    this.#fails = true;
    this.#apply();
  }

  /** An operator may have paused or resumed the lane. A closed one asks when it opens. */
  recheckPause(): void {
    const lane = this.#lane;
    if (!lane) return;
    const apply = (isPaused: boolean) => {
      if (this.#lane !== lane) return;
      this.#paused = isPaused;
      this.#apply();
    };
    this.#options.isPaused().then(apply).catch(this.#options.onError);
  }

  /** Resolves when nothing waits and nothing is in hand, also of a paused lane; it must be running. */
  async drained(): Promise<void> {
    this.#fails = true;
    this.wake();
    this.#apply();
    await this.#lane?.drained();
  }

  /** Stops for good; see Lane.close. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    clearInterval(this.#rechecking);
    await this.#closing;
    const lane = this.#lane;
    this.#lane = undefined;
    await lane?.close(graceMs);
  }

  #apply(): void {
    if (this.#running && (this.#fails || !this.#paused)) this.#lane?.resume();
    else this.#lane?.pause();
  }

  #scheduleClose(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#closing = this.#closeIdle().catch(this.#options.onError);
    }, this.#options.idleMs);
    this.#idle.unref();
  }

  async #closeIdle(): Promise<void> {
    const { depth, announce } = this.#options;
    const lane = this.#lane;
    if (!lane || this.#closed) return;
    if (lane.inHand > 0 || (await depth()) > 0) return this.#scheduleClose();
    // Said before it closes: whoever adds from here on sends a wake, which opens a new one.
    await announce(false);
    if (this.#closed) return;
    this.#lane = undefined;
    this.#paused = true;
    clearInterval(this.#rechecking);
    await lane.close(0);
    if ((await depth()) > 0) this.wake();
    // A wake that came while the flag was being cleared has opened the lane; say so again.
    if (this.#lane) await announce(true);
  }
}
