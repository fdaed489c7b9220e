import { within } from '@postern/runtime';
import type { proto } from '@whiskeysockets/baileys';
import type { MediaDownloads } from './media-download.ts';
import type { Arrival } from './phone-device.ts';
import { type ReceivedMessage, toContent } from './received-message.ts';

const WAIT_MS = 10_000;

interface Entry {
  message: ReceivedMessage;
  /** The latest arrival at the phone itself, for receipts of its own accord. */
  arrival: Arrival;
  readers: Set<number>;
  contents: Set<string>;
  /** Nothing more is known of it to come: downloaded, failed, or without a picture. */
  isComplete: boolean;
  isListed: boolean;
}

/** What a phone received, oldest first; listed once it is decrypted, downloaded and verified, or has failed to be. */
export class Inbox {
  readonly received: ReceivedMessage[] = [];
  readonly #entries = new Map<string, Entry>();
  readonly #watchers = new Set<(message: ReceivedMessage) => void>();
  readonly #keep: number;
  readonly #downloads: MediaDownloads;
  readonly #onChange: () => void;

  constructor(keep: number, downloads: MediaDownloads, onChange: () => void) {
    this.#keep = keep;
    this.#downloads = downloads;
    this.#onChange = onChange;
  }

  /** Takes in a decrypted message; what has nothing to show is not kept. */
  add(arrival: Arrival, decrypted: proto.IMessage): void {
    const shown = toContent(decrypted);
    if (!shown) return;
    const entry = this.#entry(arrival);
    const isPhone = arrival.device.id === 0;
    entry.readers.add(arrival.device.id);
    entry.message.decryptedBy = entry.readers.size;
    entry.contents.add(`${hex(shown.image?.fileSha256)} ${shown.content.caption ?? ''}`);
    entry.message.contents = entry.contents.size;
    if (isPhone) entry.message.copies += 1;
    const isNews = entry.message.type === 'unreadable';
    if (isNews) {
      delete entry.message.error;
      Object.assign(entry.message, shown.content);
    }
    if (isNews && shown.image) {
      void this.#download(entry, shown.image);
      return;
    }
    if (isNews) entry.isComplete = true;
    if (entry.isComplete) this.#list(entry);
  }

  addUnreadable(arrival: Arrival, error: unknown): void {
    const entry = this.#entry(arrival);
    if (entry.message.type !== 'unreadable') return;
    if (arrival.device.id === 0) entry.message.copies += 1;
    entry.message.error = `cannot decrypt: ${toText(error)}`;
    this.#list(entry);
  }

  /** Notes a receipt that went out for this arrival's message. */
  noteReceipt(arrival: Arrival, receipt: 'delivered' | 'read'): void {
    const entry = this.#entries.get(toKey(arrival));
    if (!entry || entry.message.receipt === receipt || entry.message.receipt === 'read') return;
    entry.message.receipt = receipt;
    if (entry.isListed) this.#list(entry);
  }

  /** The latest stanza that brought this message. Throws when the phone does not have it. */
  arrival(id: string): Arrival {
    const entry = [...this.#entries.values()].findLast(({ message }) => message.id === id);
    if (!entry) throw new Error('this phone has no such message');
    return entry.arrival;
  }

  /** The first kept or coming message that matches. Rejects after `timeoutMs`. */
  waitFor(match: (message: ReceivedMessage) => boolean, timeoutMs = WAIT_MS): Promise<ReceivedMessage> {
    const known = this.received.find(match);
    if (known) return Promise.resolve(known);
    let watcher: (message: ReceivedMessage) => void = () => {};
    const found = new Promise<ReceivedMessage>((resolve, reject) => {
      watcher = (message) => {
        try {
          if (match(message)) resolve(message);
        } catch (error) {
          reject(error);
        }
      };
      this.#watchers.add(watcher);
    });
    return within(found, timeoutMs, () => new Error(`no such message arrived within ${timeoutMs} ms`)).finally(() =>
      this.#watchers.delete(watcher),
    );
  }

  async #download(entry: Entry, image: proto.Message.IImageMessage): Promise<void> {
    const { message } = entry;
    try {
      Object.assign(message, await this.#downloads.fetch(image));
    } catch (error) {
      message.error = toText(error);
    }
    entry.isComplete = true;
    this.#list(entry);
  }

  #entry(arrival: Arrival): Entry {
    const { sender, stanza, device } = arrival;
    const { id = '', from = '', recipient } = stanza.attrs;
    const key = toKey(arrival);
    const known = this.#entries.get(key);
    if (known) {
      if (device.id === 0) known.arrival = withoutContent(arrival);
      return known;
    }
    const message: ReceivedMessage = {
      id,
      from: sender.account.number,
      chat: recipient ?? (from.endsWith('@g.us') ? from : from.replace(/:\d+@/, '@')),
      fromMe: sender.account === device.account,
      at: Date.now(),
      type: 'unreadable',
      viewOnce: false,
      forwarded: false,
      forwardingScore: 0,
      mentions: [],
      receipt: 'none',
      copies: 0,
      contents: 0,
      decryptedBy: 0,
    };
    const entry: Entry = {
      message,
      arrival: withoutContent(arrival),
      readers: new Set(),
      contents: new Set(),
      isComplete: false,
      isListed: false,
    };
    this.#entries.set(key, entry);
    return entry;
  }

  #list(entry: Entry): void {
    if (!entry.isListed) {
      entry.isListed = true;
      this.received.push(entry.message);
      if (this.received.length > this.#keep) this.#dropOldest();
    }
    for (const watcher of this.#watchers) watcher(entry.message);
    this.#onChange();
  }

  #dropOldest(): void {
    const oldest = this.received.shift();
    if (oldest) this.#entries.delete(`${oldest.from} ${oldest.id}`);
  }
}

/** Keeps who and what, not the ciphertexts. */
function withoutContent({ device, sender, stanza: { tag, attrs } }: Arrival): Arrival {
  return { device, sender, stanza: { tag, attrs } };
}

function toKey({ sender, stanza }: Arrival): string {
  return `${sender.account.number} ${stanza.attrs['id']}`;
}

function hex(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}

function toText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
