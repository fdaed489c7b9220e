import { randomBytes } from 'node:crypto';
import { type BinaryNode, encodeWAMessage, proto } from '@whiskeysockets/baileys';
import { type Addressing, type Device, deviceJid } from '../accounts/device.ts';
import type { Directory } from '../accounts/directory.ts';
import type { Group } from '../accounts/group.ts';
import type { MessageRelay } from '../stanzas/message-relay.ts';
import type { RelayLog } from '../stanzas/relay-log.ts';
import type { MediaUploads } from './media-upload.ts';
import { deviceName, type PhoneDevice } from './phone-device.ts';

/** What a phone can send: a text, a picture, or the setting of the chat's timer (0 turns it off; for people's chats, a
 * group has its own). `ephemeralSeconds` marks a message with the timer that is set. */
export type OutgoingContent =
  | { text: string; ephemeralSeconds?: number }
  | { image: Buffer; caption?: string; mimetype?: string; viewOnce?: boolean; ephemeralSeconds?: number }
  | { timerSeconds: number };

export interface PhoneSenderParts {
  directory: Directory;
  relay: MessageRelay;
  log: RelayLog;
  uploads: MediaUploads;
}

const MAX_SENT = 200;

/** Sends from a phone: encrypts for every device of the recipient and of its own account, as a real one does. */
export class PhoneSender {
  readonly #device: PhoneDevice;
  readonly #parts: PhoneSenderParts;
  readonly #sent = new Map<string, { to: string; message: proto.IMessage }>();
  /** Group members' devices that have this phone's sender key: `group device`. */
  readonly #keyed = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(device: PhoneDevice, parts: PhoneSenderParts) {
    this.#device = device;
    this.#parts = parts;
  }

  async send(to: string, content: OutgoingContent): Promise<{ id: string }> {
    const jid = to.includes('@') ? to : `${to.replace(/\D/g, '')}@s.whatsapp.net`;
    const message = await this.#toMessage(content);
    const id = randomBytes(16).toString('hex').toUpperCase();
    this.#sent.set(id, { to: jid, message });
    if (this.#sent.size > MAX_SENT) this.#sent.delete(this.#sent.keys().next().value ?? '');
    const sending = this.#queue.then(() => this.#relay(id, jid, message));
    this.#queue = sending.catch(() => undefined);
    await sending;
    return { id };
  }

  /** A recipient's device that could not read a message gets it again, in a new session. */
  onReceipt({ attrs }: BinaryNode): void {
    if (attrs['type'] !== 'retry') return;
    const sent = this.#sent.get(attrs['id'] ?? '');
    const device = this.#parts.directory.device(attrs['participant'] ?? attrs['from']);
    if (!sent || !device) return;
    this.#device.signal.forget(deviceName(device));
    this.#queue = this.#queue
      .then(() => this.#relay(attrs['id'] ?? '', sent.to, sent.message, device))
      .catch(() => undefined);
  }

  async #relay(id: string, to: string, message: proto.IMessage, only?: Device): Promise<void> {
    const { directory, relay, log } = this.#parts;
    const group = directory.groups.get(to);
    if (to.endsWith('@g.us') && !group?.members.has(this.#device.account.number)) {
      throw new Error('this phone is not in that group');
    }
    const attrs: BinaryNode['attrs'] = { id, to, type: message.imageMessage ? 'media' : 'text' };
    if (group && only) attrs['participant'] = deviceJid(only, group.addressing);
    const content = group ? await this.#toGroup(group, message, only) : await this.#toPerson(to, message, only);
    log.note(this.#device, id);
    relay.relay(this.#device, { tag: 'message', attrs, content });
  }

  async #toPerson(to: string, message: proto.IMessage, only: Device | undefined): Promise<BinaryNode[]> {
    const account = this.#parts.directory.account(to);
    if (!account) throw new Error('this number is not on the simulated WhatsApp');
    const addressing: Addressing = to.endsWith('@lid') ? 'lid' : 'pn';
    const own = { deviceSentMessage: { destinationJid: to, message } };
    const recipients = only ? [only] : [...account.devices.values(), ...this.#device.account.devices.values()];
    const nodes: BinaryNode[] = [];
    for (const device of new Set(recipients)) {
      nodes.push(...(await this.#seal(device, addressing, device.account === this.#device.account ? own : message)));
    }
    return [{ tag: 'participants', attrs: {}, content: nodes }];
  }

  async #toGroup(group: Group, message: proto.IMessage, only: Device | undefined): Promise<BinaryNode[]> {
    const { senderKeys } = this.#device.signal;
    const { ciphertext, distribution } = await senderKeys.encrypt(group.jid, encodeWAMessage(message));
    const key = {
      senderKeyDistributionMessage: { groupId: group.jid, axolotlSenderKeyDistributionMessage: distribution },
    };
    if (only) {
      const again = await this.#seal(only, group.addressing, { ...message, ...key });
      return again.flatMap(({ content }) => (Array.isArray(content) ? content : []));
    }
    const nodes: BinaryNode[] = [];
    for (const number of group.members) {
      for (const device of this.#parts.directory.accountByNumber(number)?.devices.values() ?? []) {
        const name = `${group.jid} ${deviceName(device)}`;
        if (this.#keyed.has(name)) continue;
        nodes.push(...(await this.#seal(device, group.addressing, key)));
        this.#keyed.add(name);
      }
    }
    return [
      { tag: 'participants', attrs: {}, content: nodes },
      { tag: 'enc', attrs: { v: '2', type: 'skmsg' }, content: ciphertext },
    ];
  }

  async #seal(device: Device, addressing: Addressing, message: proto.IMessage): Promise<BinaryNode[]> {
    if (device === this.#device) return [];
    const sealed = await this.#device.signal.encrypt(deviceName(device), message, () => device.takeBundle());
    if (!sealed) return [];
    const enc = { tag: 'enc', attrs: { v: '2', type: sealed.type }, content: sealed.ciphertext };
    return [{ tag: 'to', attrs: { jid: deviceJid(device, addressing) }, content: [enc] }];
  }

  async #toMessage(content: OutgoingContent): Promise<proto.IMessage> {
    if ('timerSeconds' in content) {
      const type = proto.Message.ProtocolMessage.Type.EPHEMERAL_SETTING;
      return { protocolMessage: { type, ephemeralExpiration: content.timerSeconds } };
    }
    const contextInfo = content.ephemeralSeconds === undefined ? null : { expiration: content.ephemeralSeconds };
    if ('text' in content) return { extendedTextMessage: { text: content.text, contextInfo } };
    const uploaded = await this.#parts.uploads.upload(content.image, deviceJid(this.#device));
    const { caption = null, mimetype = 'image/jpeg', viewOnce = false } = content;
    const imageMessage = { ...uploaded, caption, mimetype, contextInfo, ...(viewOnce ? { viewOnce } : {}) };
    return viewOnce ? { viewOnceMessage: { message: { imageMessage } } } : { imageMessage };
  }
}
