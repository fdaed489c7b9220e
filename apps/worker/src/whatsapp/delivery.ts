import { randomBytes } from 'node:crypto';
import { Failure } from '@postern/contract';
import { LeaseLostError } from '@postern/registry';
import { type Clock, within } from '@postern/runtime';
import type { WASocket } from '@whiskeysockets/baileys';
import { Acks } from './acks.ts';
import { buildContent } from './content.ts';
import type { DeviceLists } from './device-lists.ts';
import type { Own } from './own.ts';
import { PrivacyTokens } from './privacy-tokens.ts';
import type { Recipients } from './recipients.ts';
import type { SessionStore } from './session-store.ts';
import { Turns } from './turns.ts';
import type { OutgoingMessage } from './whatsapp.ts';

export interface DeliveryOptions {
  sock: WASocket;
  own: () => Own;
  store: SessionStore;
  devices: DeviceLists;
  recipients: Recipients;
  signal: AbortSignal;
  /** Stands still while Redis is away: a relay whose keys cannot be read or stored says nothing of the socket. */
  clock: Clock;
  queryTimeoutMs: number;
  ackTimeoutMs: number;
  onLateAck: (messageId: string, at: number) => void;
  /** The socket is open but does not carry messages any more. */
  onStuck: (detail: string) => void;
}

/** A relay asks WhatsApp nothing; it takes longer than two questions only when the socket's lock is held for ever. */
const QUERIES_PER_RELAY = 2;
const WHOLE_SOCKET = '';

/** Sends messages over one connected socket, each until WhatsApp has acknowledged it. */
export class Delivery {
  readonly acks: Acks;
  readonly #options: DeliveryOptions;
  readonly #turns = new Turns();
  readonly #privacyTokens = new PrivacyTokens();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.acks = new Acks({
      ackTimeoutMs: options.ackTimeoutMs,
      clock: options.clock,
      signal: options.signal,
      onLateAck: options.onLateAck,
      onDevicesChanged: (jid) => options.recipients.forget(jid),
      onSilence: () => options.onStuck('messages are not acknowledged any more'),
    });
  }

  /** Relays in the order of the calls within a chat, one at a time on the socket, and waits for each ack apart from that. */
  async send(message: OutgoingMessage, onRelayed: () => void): Promise<{ acknowledgedAt: number }> {
    const { signal, recipients } = this.#options;
    signal.throwIfAborted();
    const ack = this.acks.expect(message.messageId, message.route.jid);
    let told = false;
    const tellRelayed = () => {
      if (!told) onRelayed();
      told = true;
    };
    let stored: Promise<unknown> = Promise.resolve();
    const onWriting = (relay: Promise<unknown>) => {
      stored = relay;
    };
    const relayed = this.#turns
      .run(message.route.jid, () => this.#relay(message, onWriting))
      .then(() => {
        ack.relayed();
        tellRelayed();
      });
    try {
      const acknowledgedAt = await Promise.race([ack.acknowledged, relayed.then(() => ack.acknowledged)]);
      await stored.catch(rejectIfLost);
      tellRelayed();
      return { acknowledgedAt };
    } catch (error) {
      const isRefused = error instanceof Failure && (error.code === 'SEND_FAILED' || error.code === 'INVALID_JID');
      if (isRefused) recipients.forget(message.route.jid);
      throw error;
    } finally {
      ack.cancel();
      relayed.catch(() => {});
    }
  }

  async #relay(message: OutgoingMessage, onWriting: (relay: Promise<unknown>) => void): Promise<void> {
    const { recipients, signal } = this.#options;
    try {
      signal.throwIfAborted();
      const content = await this.#keepContent(message);
      await recipients.prepare(message.route);
      await this.#turns.run(WHOLE_SOCKET, () => this.#write(message, content, onWriting));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Failure) throw error;
      throw new Failure('SEND_FAILED', 'The message could not be handed to WhatsApp', { cause: error });
    }
    if (message.route.recipient.kind !== 'group') this.#notePrivacyToken(message.route.jid);
  }

  /** Keeps what is about to be sent, for retry receipts and quotes; fails, too, when the lease is lost. */
  async #keepContent(message: OutgoingMessage) {
    const { contents } = this.#options.store;
    const { messageId: id, quotedMessageId, route } = message;
    const quoted = quotedMessageId === undefined ? undefined : await contents.find(quotedMessageId);
    if (quotedMessageId !== undefined && !quoted) {
      throw Failure.field('reply_message_id', 'no message with this id is known any more');
    }
    const content = buildContent({ message, quoted, messageSecret: randomBytes(32) });
    const timestamp = Math.floor(Date.now() / 1000);
    const author = this.#options.own().jid;
    await contents.save({ id, chat: route.jid, author, fromMe: true, timestamp, content });
    return content;
  }

  /** `onWriting` is given what resolves when the stanza is written and the keys that it used are stored. */
  async #write(
    { messageId, route }: OutgoingMessage,
    content: ReturnType<typeof buildContent>,
    onWriting: (relay: Promise<unknown>) => void,
  ): Promise<void> {
    const { sock, devices, signal, queryTimeoutMs, clock } = this.#options;
    signal.throwIfAborted();
    const relay = devices.relaying(() => sock.relayMessage(route.jid, content, { messageId }));
    relay.catch(() => {});
    onWriting(relay);
    const stuck = () => {
      this.#options.onStuck('a message could not be written in time');
      return new Failure('SEND_FAILED', 'The message could not be written in time');
    };
    await within(relay, QUERIES_PER_RELAY * queryTimeoutMs, stuck, signal, clock);
  }

  #notePrivacyToken(jid: string): void {
    const { authState, signalRepository } = this.#options.sock;
    const lidOf = (number: string) => signalRepository.lidMapping.getLIDForPN(number);
    // Costs one more question per message when it fails, nothing else.
    this.#privacyTokens.note(jid, authState.keys, lidOf).catch(() => {});
  }
}

/**
 * The ack may come first: Baileys stores the keys after it has written, also when the socket is gone by then. A message
 * whose keys the next owner does not have must not count as sent: that owner sends it again in its old place in the ratchet,
 * which it would else give to another message, and the phone would drop that one in silence. Keys that could not be stored
 * for another reason are still remembered here.
 */
function rejectIfLost(error: unknown): void {
  if (!(error instanceof LeaseLostError)) return;
  throw new Failure('DEVICE_NOT_CONNECTED', 'Another worker owns the device now', { cause: error });
}
