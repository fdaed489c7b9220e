import { type BinaryNode, type KeyPair, proto, unpadRandomMax16 } from '@whiskeysockets/baileys';
import type { Account } from '../accounts/account.ts';
import type { Device } from '../accounts/device.ts';
import type { Directory } from '../accounts/directory.ts';
import type { KeyBundle } from '../accounts/key-bundle.ts';
import { SignalDevice } from './signal-device.ts';

/** A message stanza as it reached a simulated device. */
export interface Arrival {
  device: PhoneDevice;
  stanza: BinaryNode;
  sender: Device;
}

export interface PhoneDeviceListener {
  onMessage(arrival: Arrival, message: proto.IMessage): void;
  /** `isRepeated`: its key was used before, which a phone ignores. */
  onUnreadable(arrival: Arrival, error: unknown, isRepeated: boolean): void;
  onReceipt(device: PhoneDevice, receipt: BinaryNode): void;
}

/** A simulated device of a phone's account: opens what is delivered to it, one stanza after the other. */
export class PhoneDevice implements Device {
  readonly account: Account;
  readonly id: number;
  readonly keyIndex: number;
  readonly signal: SignalDevice;
  readonly #directory: Directory;
  readonly #listener: PhoneDeviceListener;
  #inbox: Promise<void> = Promise.resolve();

  constructor(account: Account, id: number, identity: KeyPair, directory: Directory, listener: PhoneDeviceListener) {
    this.account = account;
    this.id = id;
    this.keyIndex = id;
    this.signal = new SignalDevice(deviceName({ account, id }), identity);
    this.#directory = directory;
    this.#listener = listener;
  }

  takeBundle(): KeyBundle {
    return this.signal.takeBundle();
  }

  deliver(stanza: BinaryNode): void {
    if (stanza.tag === 'receipt') this.#listener.onReceipt(this, stanza);
    if (stanza.tag === 'message') this.#inbox = this.#inbox.then(() => this.#open(stanza));
  }

  async #open(stanza: BinaryNode): Promise<void> {
    const sender = this.#directory.device(stanza.attrs['participant'] ?? stanza.attrs['from']);
    if (!sender || !Array.isArray(stanza.content)) return;
    const arrival = { device: this, stanza, sender };
    const message: proto.IMessage = {};
    try {
      for (const node of stanza.content) {
        if (node.tag === 'enc') Object.assign(message, await this.#decrypt(node, stanza, deviceName(sender)));
      }
    } catch (error) {
      const isRepeated = error instanceof Error && /used already|old counter/.test(error.message);
      this.#listener.onUnreadable(arrival, error, isRepeated);
      return;
    }
    this.#listener.onMessage(arrival, message);
  }

  async #decrypt({ attrs, content }: BinaryNode, stanza: BinaryNode, sender: string): Promise<proto.IMessage> {
    if (!(content instanceof Uint8Array)) throw new Error('an enc node has no ciphertext');
    const { type } = attrs;
    const { from = '' } = stanza.attrs;
    let padded: Uint8Array;
    if (type === 'skmsg') padded = await this.signal.senderKeys.decrypt(from, sender, content);
    else if (type === 'pkmsg' || type === 'msg') padded = await this.signal.decrypt(sender, type, content);
    else throw new Error('an enc node is of an unknown type');
    const message = proto.Message.decode(unpadRandomMax16(padded));
    const { groupId, axolotlSenderKeyDistributionMessage: key } = message.senderKeyDistributionMessage ?? {};
    if (groupId && key) await this.signal.senderKeys.learn(groupId, sender, key);
    return message.deviceSentMessage?.message ?? message;
  }
}

/** One name for a device in both addressings. */
export function deviceName({ account, id }: Pick<Device, 'account' | 'id'>): string {
  return `${account.number}:${id}`;
}

/** The stanza by which a device asks for a message it could not read. */
export function toRetryReceipt({ device, stanza }: Arrival, count: number): BinaryNode {
  const { id = '', from = '', participant, t = '', recipient } = stanza.attrs;
  const registration = Buffer.alloc(4);
  registration.writeUInt32BE(device.signal.registrationId);
  const attrs: BinaryNode['attrs'] = { id, to: from, type: 'retry', t };
  if (participant) attrs['participant'] = participant;
  if (recipient) attrs['recipient'] = recipient;
  return {
    tag: 'receipt',
    attrs,
    content: [
      { tag: 'retry', attrs: { count: String(count), id, t, v: '1', error: '0' } },
      { tag: 'registration', attrs: {}, content: registration },
    ],
  };
}
