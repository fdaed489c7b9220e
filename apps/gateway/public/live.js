import { readEvents } from './event-stream.js';

const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 10_000;
/** The gateway says something at least every 15 seconds. */
const SILENCE_MS = 35_000;
/** A page that nobody looks at stops asking after a while. */
const HIDDEN_MS = 60_000;

/**
 * Keeps the store fed by the gateway's events, reconnecting for as long as somebody looks at the page. `onState(state,
 * error)`: `connecting`, `live`, `stale` (the gateway cannot tell what is), `reconnecting`, or `refused`, after which it
 * stops until it is started again.
 */
export class Live {
  #store;
  #onState;
  #running;
  #state = '';

  constructor({ store, onState }) {
    this.#store = store;
    this.#onState = onState;
    let timer;
    document.addEventListener('visibilitychange', () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => this.stop(), HIDDEN_MS);
      else if (this.#state !== 'refused') this.start();
    });
  }

  start() {
    if (this.#running) return;
    this.#running = new AbortController();
    void this.#run(this.#running.signal);
  }

  stop() {
    this.#running?.abort();
    this.#running = undefined;
  }

  async #run(signal) {
    this.#say(this.#state === '' ? 'connecting' : 'reconnecting');
    for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(MAX_WAIT_MS, waitMs * 1.6)) {
      try {
        if (await this.#read(signal)) waitMs = FIRST_WAIT_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (error.status === 401 || error.status === 403) {
          this.stop();
          return this.#say('refused', error);
        }
      }
      if (signal.aborted) return;
      this.#say('reconnecting');
      await new Promise((resolve) => setTimeout(resolve, waitMs * (0.75 + Math.random() / 2)));
    }
  }

  /** One connection, to its end; whether it told everything. */
  async #read(signal) {
    const silence = new AbortController();
    let timer;
    let isSynced = false;
    const onBytes = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
    };
    const onEvent = (name, data) => {
      if (name === 'hello') this.#store.begin(data);
      else if (name === 'synced') {
        isSynced = true;
        this.#store.complete();
        this.#say('live');
      } else if (name === 'stale') this.#say('stale');
      else this.#store.tell(name, data);
    };
    onBytes();
    try {
      await readEvents('events', onEvent, AbortSignal.any([signal, silence.signal]), onBytes);
    } catch (error) {
      if (error.status) throw error;
    } finally {
      clearTimeout(timer);
    }
    return isSynced;
  }

  #say(state, error) {
    if (this.#state === state) return;
    this.#state = state;
    this.#onState(state, error);
  }
}
