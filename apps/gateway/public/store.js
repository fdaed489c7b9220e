const MAX_MESSAGES = 500;
const NOTIFY_MS = 80;

/** What the gateway has told of devices, lanes and messages. `onChange()` follows changes, several at once. */
export class Store {
  me = { name: '', actions: [], session: false };
  devices = new Map();
  lanes = new Map();
  messages = new Map();
  isComplete = false;
  /** How far the gateway's clock is ahead of this one. */
  #aheadMs = 0;
  #untold = [];
  #timer;
  #onChange;

  constructor({ onChange }) {
    this.#onChange = onChange;
  }

  /** The gateway's time, in Unix milliseconds. */
  now() {
    return Date.now() + this.#aheadMs;
  }

  may(action) {
    return this.me.actions.includes(action);
  }

  /** A connection begins: everything is told anew. */
  begin(hello) {
    this.me = hello;
    this.#aheadMs = Date.parse(hello.now) - Date.now();
    this.#untold = [this.devices, this.lanes, this.messages].map((known) => [known, new Set(known.keys())]);
  }

  /** Everything has been told: what was not is not there any more. */
  complete() {
    for (const [known, ids] of this.#untold) for (const id of ids) known.delete(id);
    this.#untold = [];
    this.isComplete = true;
    this.#changed();
  }

  tell(name, data) {
    if (name === 'device') this.#put(this.devices, data.device_id, data);
    if (name === 'lane') this.#put(this.lanes, data.device_id, data);
    if (name === 'message') {
      this.#put(this.messages, data.message_id, data);
      const [oldest] = this.messages.keys();
      if (this.messages.size > MAX_MESSAGES) this.messages.delete(oldest);
    }
    if (name === 'device_removed') {
      this.devices.delete(data.device_id);
      this.lanes.delete(data.device_id);
    }
    this.#changed();
  }

  #put(known, id, data) {
    for (const [other, ids] of this.#untold) if (other === known) ids.delete(id);
    // The newest come last.
    if (known === this.messages) known.delete(id);
    known.set(id, data);
  }

  #changed() {
    if (!this.isComplete) return;
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#onChange();
    }, NOTIFY_MS);
  }
}
