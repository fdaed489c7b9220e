import { call } from './api.js';

/** Messages as `GET /messages` lists them, for what the events do not tell; whole numbers are not kept. */
export class OlderMessages {
  messages = new Map();
  #cursor = '';
  #generation = 0;
  #isFirstPage = true;

  /** Whether there may be further ones; before the first page nobody knows. */
  get hasMore() {
    return this.#cursor !== undefined;
  }

  clear() {
    this.messages.clear();
    this.#cursor = '';
    this.#isFirstPage = true;
    this.#generation += 1;
  }

  /** Reads the first page anew; as long as it is the only one, what is not in it any more is dropped. */
  async read(query) {
    const page = await this.#page(query, '', this.#isFirstPage);
    if (page && this.#isFirstPage) this.#cursor = page.cursor;
  }

  /** Reads the next page. */
  async readMore(query) {
    if (this.#cursor === undefined) return;
    const page = await this.#page(query, this.#cursor, false);
    if (!page) return;
    this.#cursor = page.cursor;
    this.#isFirstPage = false;
  }

  async #page(query, cursor, isAll) {
    const generation = this.#generation;
    const given = Object.entries({ ...query, cursor }).filter(([, value]) => value !== '');
    const page = await call('GET', `messages?${new URLSearchParams(given)}`);
    // Another filter was chosen meanwhile.
    if (generation !== this.#generation) return undefined;
    if (isAll) this.messages.clear();
    for (const message of page.messages) this.messages.set(message.message_id, toMasked(message));
    return page;
  }
}

function toMasked(message) {
  const mask = (text) => text.replace(/\d{5,}/g, (digits) => `…${digits.slice(-4)}`);
  const error = message.error && { code: message.error.code, message: mask(message.error.message) };
  return { ...message, phone: mask(message.phone), ...(error && { error }) };
}
