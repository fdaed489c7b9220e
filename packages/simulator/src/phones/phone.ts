import { type BinaryNode, Curve, type proto } from '@whiskeysockets/baileys';
import { Account } from '../accounts/account.ts';
import { deviceJid } from '../accounts/device.ts';
import type { Directory } from '../accounts/directory.ts';
import { LinkedDevice, nowSeconds } from '../accounts/linked-device.ts';
import type { PairingDesk } from '../pairing/pairing-desk.ts';
import type { ReceiptRelay } from '../stanzas/receipt-relay.ts';
import { Inbox } from './inbox.ts';
import type { MediaDownloads } from './media-download.ts';
import { type Arrival, deviceName, PhoneDevice, type PhoneDeviceListener, toRetryReceipt } from './phone-device.ts';
import { type OutgoingContent, PhoneSender, type PhoneSenderParts } from './phone-sender.ts';
import type { ReceivedMessage } from './received-message.ts';

/** Which receipts a phone sends by itself. */
export type AutoReceipts = 'delivered' | 'read' | 'none';

const MAX_RETRIES = 5;
const MAX_RETRIED = 1_000;

export interface PhoneParts extends PhoneSenderParts {
  directory: Directory;
  desk: PairingDesk;
  downloads: MediaDownloads;
  receipts: ReceiptRelay;
  autoReceipts: AutoReceipts;
  /** Messages kept. */
  keep: number;
  /** Called after anything its screen shows has changed. */
  onChange(): void;
}

/** A simulated phone: an account's primary device, the further simulated devices it may have, and their screen. */
export class Phone implements PhoneDeviceListener {
  readonly account: Account;
  readonly #parts: PhoneParts;
  readonly #inbox: Inbox;
  readonly #sender: PhoneSender;
  readonly #retries = new Map<string, number>();

  constructor(number: string, name: string, companions: number, parts: PhoneParts) {
    this.account = new Account(number, name);
    this.#parts = parts;
    this.#inbox = new Inbox(parts.keep, parts.downloads, () => parts.onChange());
    const primary = new PhoneDevice(this.account, 0, this.account.identity, parts.directory, this);
    this.account.devices.set(0, primary);
    for (let count = 0; count < companions; count += 1) {
      const id = this.account.nextDeviceId();
      this.account.devices.set(id, new PhoneDevice(this.account, id, Curve.generateKeyPair(), parts.directory, this));
    }
    this.#sender = new PhoneSender(primary, parts);
  }

  get number(): string {
    return this.account.number;
  }

  get name(): string {
    return this.account.name;
  }

  get jid(): string {
    return this.account.jid;
  }

  get lid(): string {
    return this.account.lid;
  }

  /** What it received, oldest first, each listed once it is decrypted, downloaded and verified, or has failed to be. */
  get received(): readonly ReceivedMessage[] {
    return this.#inbox.received;
  }

  /** The first kept or coming message that matches; rejects after `timeoutMs` (10 s). */
  waitFor(match: (message: ReceivedMessage) => boolean, timeoutMs?: number): Promise<ReceivedMessage> {
    return this.#inbox.waitFor(match, timeoutMs);
  }

  /** Scans a client's QR and links it. Rejects when the QR is unknown, expired or forged, or the client refuses. */
  async scan(qr: string): Promise<{ device: string }> {
    return this.#toLinked(await this.#parts.desk.scan(this.account, qr));
  }

  /** Types the code a client shows and links it. Rejects when no client asked for this number or the code is wrong. */
  async linkByCode(code: string): Promise<{ device: string }> {
    return this.#toLinked(await this.#parts.desk.linkByCode(this.account, code));
  }

  /** Full JIDs of its linked devices on the wire. */
  linked(): string[] {
    return [...this.account.devices.values()]
      .filter((device) => device instanceof LinkedDevice)
      .map((device) => deviceJid(device));
  }

  /** Sends a message from this phone. `to` is a number, a person's JID (PN or LID) or a group's. */
  send(to: string, content: OutgoingContent): Promise<{ id: string }> {
    return this.#sender.send(to, content);
  }

  /** Shows the message to its reader: a read receipt goes out. Throws when it does not have it. */
  read(messageId: string): void {
    this.#acknowledge(this.#inbox.arrival(messageId), 'read');
  }

  /** Claims that the message could not be decrypted. Throws when it does not have it. */
  requestRetry(messageId: string): void {
    this.#askAgain(this.#inbox.arrival(messageId));
  }

  /**
   * Loses the Signal session with a device (full JID), so that the next message from it cannot be read. `deviceId` names
   * which of the phone's simulated devices does; 0 is the phone itself.
   */
  loseSession(peer: string, deviceId = 0): void {
    const device = this.account.devices.get(deviceId);
    const other = this.#parts.directory.device(peer);
    if (!(device instanceof PhoneDevice) || !other) throw new Error('there is no such device');
    device.signal.forget(deviceName(other));
  }

  onMessage(arrival: Arrival, message: proto.IMessage): void {
    this.#inbox.add(arrival, message);
    const { autoReceipts } = this.#parts;
    if (autoReceipts === 'none' || arrival.device.id !== 0 || arrival.sender.account === this.account) return;
    this.#acknowledge(arrival);
    if (autoReceipts === 'read') this.#acknowledge(arrival, 'read');
  }

  onUnreadable(arrival: Arrival, error: unknown, isRepeated: boolean): void {
    if (isRepeated) return;
    this.#inbox.addUnreadable(arrival, error);
    this.#askAgain(arrival);
  }

  onReceipt(_device: PhoneDevice, receipt: BinaryNode): void {
    this.#sender.onReceipt(receipt);
  }

  #toLinked(device: LinkedDevice): { device: string } {
    this.#parts.onChange();
    return { device: deviceJid(device) };
  }

  #acknowledge(arrival: Arrival, type?: 'read'): void {
    const { device, stanza } = arrival;
    const { id = '', from = '', participant } = stanza.attrs;
    const attrs: BinaryNode['attrs'] = { id, to: from, t: nowSeconds() };
    if (participant) attrs['participant'] = participant;
    if (type) attrs['type'] = type;
    this.#parts.receipts.relay(device, { tag: 'receipt', attrs });
    this.#inbox.noteReceipt(arrival, type ?? 'delivered');
  }

  #askAgain(arrival: Arrival): void {
    const { device, stanza } = arrival;
    const key = `${device.id} ${stanza.attrs['id']}`;
    const count = (this.#retries.get(key) ?? 0) + 1;
    if (count > MAX_RETRIES) return;
    if (this.#retries.size >= MAX_RETRIED) this.#retries.clear();
    this.#retries.set(key, count);
    this.#parts.receipts.relay(device, toRetryReceipt(arrival, count));
  }
}
