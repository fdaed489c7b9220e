import { randomBytes } from 'node:crypto';
import { Failure, type Recipient } from '@postern/contract';
import { within } from '@postern/runtime';
import { type GroupMetadata, USyncQuery, USyncUser, type WASocket } from '@whiskeysockets/baileys';
import { Acks } from './acks.ts';
import { buildContent } from './content.ts';
import type { DeviceLists } from './device-lists.ts';
import type { Groups } from './groups.ts';
import { lookUpFailure } from './look-up-failure.ts';
import { lookUpPerson, type OnWhatsApp } from './person-look-up.ts';
import { PrivacyTokens } from './privacy-tokens.ts';
import type { SessionStore } from './session-store.ts';
import { Turns } from './turns.ts';
import type { OutgoingMessage, Route } from './whatsapp.ts';

export interface DeliveryOptions {
  sock: WASocket;
  /** The account's JID with the device's number, and its LID. */
  own: () => { jid: string; lid: string | undefined };
  store: SessionStore;
  devices: DeviceLists;
  groups: Groups;
  signal: AbortSignal;
  queryTimeoutMs: number;
  ackTimeoutMs: number;
  onLateAck: (messageId: string, at: number) => void;
  /** The socket is open but does not carry messages any more. */
  onStuck: (detail: string) => void;
}

/** A relay does nothing that takes longer than a question to WhatsApp, unless the socket's lock is held for ever. */
const QUERIES_PER_RELAY = 2;
const WHOLE_SOCKET = '';

/** Finding recipients and sending to them over one connected socket. */
export class Delivery {
  readonly acks: Acks;
  readonly #options: DeliveryOptions;
  readonly #turns = new Turns();
  readonly #privacyTokens = new PrivacyTokens();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.acks = new Acks({
      ackTimeoutMs: options.ackTimeoutMs,
      signal: options.signal,
      onLateAck: options.onLateAck,
      onDevicesChanged: (jid) => this.#forget(jid),
      onSilence: () => options.onStuck('messages are not acknowledged any more'),
    });
  }

  async lookUp(recipient: Recipient): Promise<Route> {
    const { store } = this.#options;
    if (recipient.kind === 'group') {
      const metadata = await this.#bounded(this.#prepareGroup(recipient.jid), 'the group');
      return { recipient, jid: recipient.jid, ephemeralSeconds: metadata.ephemeralDuration || undefined };
    }
    const ask = recipient.kind === 'lid' ? this.#lidExists : this.#options.sock.onWhatsApp;
    const jid = await this.#bounded(lookUpPerson(recipient.jid, ask, store), 'the number');
    if (jid === undefined) throw new Failure('INVALID_JID', 'This recipient is not on WhatsApp');
    await this.#bounded(this.#preparePerson(jid), 'devices');
    return { recipient, jid, ephemeralSeconds: await store.timers.find(jid) };
  }

  /** Relays in the order of the calls within a chat, one at a time on the socket, and waits for each ack apart from that. */
  async send(message: OutgoingMessage, onRelayed: () => void): Promise<{ acknowledgedAt: number }> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    const { messageId } = message;
    const ack = this.acks.expect(messageId);
    let told = false;
    const tellRelayed = () => {
      if (!told) onRelayed();
      told = true;
    };
    const relayed = this.#turns
      .run(message.route.jid, () => this.#relay(message))
      .then(() => {
        ack.relayed();
        tellRelayed();
      });
    try {
      // The ack may come first: Baileys resolves after the keys are stored.
      const at = await Promise.race([ack.acknowledged, relayed.then(() => ack.acknowledged)]);
      tellRelayed();
      return { acknowledgedAt: at };
    } catch (error) {
      if (error instanceof Failure) this.#onFailure(message, error);
      throw error;
    } finally {
      ack.cancel();
      relayed.catch(() => {});
    }
  }

  async #relay(message: OutgoingMessage): Promise<void> {
    const { sock, store, devices, signal, queryTimeoutMs } = this.#options;
    const { messageId, route } = message;
    try {
      signal.throwIfAborted();
      const quoted = await this.#findQuoted(message.quotedMessageId);
      const content = buildContent({ message, quoted, messageSecret: randomBytes(32) });
      const timestamp = Math.floor(Date.now() / 1000);
      const author = this.#options.own().jid;
      await store.contents.save({ id: messageId, chat: route.jid, author, fromMe: true, timestamp, content });
      await this.#bounded(this.#prepare(route), 'devices');
      await this.#turns.run(WHOLE_SOCKET, () => {
        signal.throwIfAborted();
        const relay = devices.relaying(() => sock.relayMessage(route.jid, content, { messageId }));
        const stuck = () => {
          this.#options.onStuck('a message could not be written in time');
          return new Failure('SEND_FAILED', 'The message could not be written in time');
        };
        return within(relay, QUERIES_PER_RELAY * queryTimeoutMs, stuck, signal);
      });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Failure) throw error;
      throw new Failure('SEND_FAILED', 'The message could not be handed to WhatsApp', { cause: error });
    }
    if (route.recipient.kind !== 'group') this.#notePrivacyToken(route.jid);
  }

  async #prepare({ recipient, jid }: Route): Promise<void> {
    if (recipient.kind === 'group') await this.#prepareGroup(jid);
    else await this.#preparePerson(jid);
  }

  async #prepareGroup(jid: string): Promise<GroupMetadata> {
    const { sock, own, groups, devices } = this.#options;
    const metadata = await groups.get(jid, sock.groupMetadata, [own().jid, own().lid]);
    await devices.ensure(
      this.#queries(),
      metadata.participants.map(({ id }) => id),
    );
    return metadata;
  }

  async #preparePerson(jid: string): Promise<void> {
    const { devices } = this.#options;
    const { jid: number, lid } = this.#options.own();
    const own = jid.endsWith('@lid') ? lid : number;
    await devices.ensure(this.#queries(), own === undefined ? [jid] : [jid, withoutDevice(own)], jid);
    if (devices.hasDevices(jid)) return;
    devices.forget(jid);
    throw lookUpFailure('devices');
  }

  #queries() {
    const { sock } = this.#options;
    return {
      getUSyncDevices: sock.getUSyncDevices,
      assertSessions: sock.assertSessions,
      validateSession: (jid: string) => sock.signalRepository.validateSession(jid),
    };
  }

  /** `onWhatsApp` passes over LIDs, so their device list is asked for. */
  readonly #lidExists: OnWhatsApp = async (...jids) => {
    const query = new USyncQuery().withContext('message').withDeviceProtocol();
    for (const jid of jids) query.withUser(new USyncUser().withId(jid));
    const answer = await this.#options.sock.executeUSyncQuery(query);
    return answer?.list.map(({ id, devices }) => {
      const list: unknown = typeof devices === 'object' && devices !== null ? Reflect.get(devices, 'deviceList') : [];
      return { jid: id, exists: Array.isArray(list) && list.length > 0 };
    });
  };

  async #findQuoted(messageId: string | undefined) {
    if (messageId === undefined) return undefined;
    const quoted = await this.#options.store.contents.find(messageId);
    if (!quoted) throw Failure.field('reply_message_id', 'no message with this id is known any more');
    return quoted;
  }

  #notePrivacyToken(jid: string): void {
    const { sock } = this.#options;
    const lidOf = sock.signalRepository.lidMapping.getLIDForPN.bind(sock.signalRepository.lidMapping);
    // Costs one question more per message when it fails, nothing else.
    this.#privacyTokens.note(jid, sock.authState.keys, lidOf).catch(() => {});
  }

  /** WhatsApp may have refused because what we know of the chat is out of date. */
  #onFailure({ route }: OutgoingMessage, failure: Failure): void {
    if (failure.code === 'SEND_FAILED' || failure.code === 'INVALID_JID') this.#forget(route.jid);
  }

  #forget(chat: string): void {
    const { groups, devices } = this.#options;
    for (const { id } of groups.find(chat)?.participants ?? []) devices.forget(id);
    groups.forget(chat);
    devices.forget(chat);
  }

  #bounded<T>(work: Promise<T>, what: string): Promise<T> {
    const { signal, queryTimeoutMs } = this.#options;
    return within(work, 3 * queryTimeoutMs, () => lookUpFailure(what), signal);
  }
}

function withoutDevice(jid: string): string {
  return jid.replace(/:\d+@/, '@');
}
