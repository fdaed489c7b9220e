import type { Device } from '../accounts/device.ts';

const MAX_MESSAGES = 50_000;

export interface LoggedMessage {
  sender: Device;
  /** How often a stanza with this id was relayed or refused. */
  attempts: number;
}

/** Who sent which message, for its receipts; the latest 50,000. */
export class RelayLog {
  readonly #messages = new Map<string, LoggedMessage>();

  note(sender: Device, id: string): LoggedMessage {
    const known = this.#messages.get(id);
    if (known?.sender === sender) {
      known.attempts += 1;
      return known;
    }
    const message = { sender, attempts: 1 };
    this.#messages.set(id, message);
    if (this.#messages.size > MAX_MESSAGES) {
      const [oldest] = this.#messages.keys();
      if (oldest !== undefined) this.#messages.delete(oldest);
    }
    return message;
  }

  senderOf(id: string): Device | undefined {
    return this.#messages.get(id)?.sender;
  }
}
