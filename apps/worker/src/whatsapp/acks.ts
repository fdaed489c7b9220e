import { Failure } from '@postern/contract';
import { type Clock, within } from '@postern/runtime';
import type { BinaryNode } from '@whiskeysockets/baileys';
import { BoundedCache } from './bounded-cache.ts';
import { nackFailure } from './nacks.ts';
import { stanzaTimeMs } from './stanza-time.ts';

/** What the server said of one message: it has it, or the number it refused it with. */
interface Ack {
  error: string | undefined;
  /** Unix milliseconds. */
  at: number;
}

/** Who waits for the ack of one relay. */
interface Waiter {
  chat: string;
  isRelayed: boolean;
  /** When a phone told of the message, in Unix milliseconds. */
  provedAt: number | undefined;
  answer: (ack: Ack) => void;
}

export interface AcksOptions {
  ackTimeoutMs: number;
  clock: Clock;
  signal: AbortSignal;
  /** A positive ack after its waiter gave up. */
  onLateAck: (messageId: string, at: number) => void;
  /** The server knows another device list for this chat than we have: some devices did not get the message. */
  onDevicesChanged: (jid: string) => void;
  /** This many waits in a row ended without any ack: the link is dead though the socket is open. */
  onSilence: () => void;
}

const REMEMBERED_TIMEOUTS = 1000;
const TIMEOUTS_UNTIL_SILENCE = 3;

/**
 * Waits for the server's ack of messages by their id. Baileys emits no event for a positive ack and delays negative
 * ones, so the raw nodes (`CB:ack,class:message`) are fed in.
 */
export class Acks {
  readonly #options: AcksOptions;
  readonly #waiting = new Map<string, Waiter>();
  readonly #timedOut = new BoundedCache<true>(REMEMBERED_TIMEOUTS);
  #timeoutsInARow = 0;

  constructor(options: AcksOptions) {
    this.#options = options;
  }

  /**
   * Starts waiting for the ack of an id in a chat; to be called before the message is relayed. The clock runs from `relayed()`.
   * `acknowledged` resolves with the time of the ack and rejects with the failure of a nack, ACK_TIMEOUT, or the
   * signal's reason. `cancel()` when nothing was sent.
   */
  expect(messageId: string, chat: string): { acknowledged: Promise<number>; relayed: () => void; cancel: () => void } {
    const { signal, ackTimeoutMs, clock } = this.#options;
    const { promise: relayed, resolve: startClock } = Promise.withResolvers<void>();
    const { promise: ack, resolve: answerWith } = Promise.withResolvers<Ack>();
    const waiter: Waiter = { chat, isRelayed: false, provedAt: undefined, answer: answerWith };
    this.#waiting.set(messageId, waiter);
    const timeout = () => {
      this.#onTimeout(messageId);
      return new Failure('ACK_TIMEOUT', 'WhatsApp did not acknowledge the message in time');
    };
    const acknowledged = Promise.race([ack, relayed])
      .then(() => within(ack, ackTimeoutMs, timeout, signal, clock))
      .then((answer) => {
        if (answer.error !== undefined) throw nackFailure(answer.error);
        return answer.at;
      })
      .finally(() => this.#waiting.delete(messageId));
    acknowledged.catch(() => {});
    const onRelayed = () => {
      waiter.isRelayed = true;
      startClock();
      if (waiter.provedAt !== undefined) this.prove(messageId, waiter.provedAt);
    };
    return { acknowledged, relayed: onRelayed, cancel: () => this.#waiting.delete(messageId) };
  }

  /** Takes an `ack` node of class `message`. */
  receive(node: BinaryNode): void {
    const { id, t, from, phash } = node.attrs;
    if (id === undefined) return;
    this.#timeoutsInARow = 0;
    const error = node.attrs['error'] || undefined;
    const at = stanzaTimeMs(t);
    const waiter = this.#waiting.get(id);
    // The server may name the chat by another of its addresses, or not at all.
    const chat = waiter?.chat ?? from;
    if (phash !== undefined && chat !== undefined) this.#options.onDevicesChanged(chat);
    if (waiter) waiter.answer({ error, at });
    else if (this.#timedOut.delete(id) && error === undefined) this.#options.onLateAck(id, at);
  }

  /**
   * Takes a phone's receipt of an id, at Unix milliseconds: as good as the ack that is awaited, once the relay is written. It
   * may speak of an earlier relay by an owner that died; the keys of this one must be stored nevertheless.
   */
  prove(messageId: string, at: number): void {
    const waiter = this.#waiting.get(messageId);
    if (!waiter) return;
    waiter.provedAt = at;
    if (!waiter.isRelayed) return;
    this.#timeoutsInARow = 0;
    waiter.answer({ error: undefined, at });
  }

  #onTimeout(messageId: string): void {
    this.#timedOut.set(messageId, true);
    this.#timeoutsInARow += 1;
    if (this.#timeoutsInARow === TIMEOUTS_UNTIL_SILENCE) this.#options.onSilence();
  }
}
