import { randomBytes } from 'node:crypto';
import { within } from '@postern/runtime';
import {
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildBuffer,
  type proto,
  S_WHATSAPP_NET,
} from '@whiskeysockets/baileys';
import type { Account } from '../accounts/account.ts';
import { deviceJid } from '../accounts/device.ts';
import { LinkedDevice } from '../accounts/linked-device.ts';
import type { Connection } from '../wire/connection.ts';
import { type DeviceIdentity, isCountersigned, sealDeviceIdentity, signDeviceIdentity } from './device-identity.ts';
import { LinkCodes } from './link-codes.ts';
import { parsePairingQr } from './pairing-qr.ts';
import { parseRegistrationKeys, type Registration } from './registration.ts';

const REFS = 6;
const ANSWER_MS = 20_000;

interface Pending {
  registration: Registration;
  account: Account;
  identity: DeviceIdentity;
  device: LinkedDevice;
  resolve(device: LinkedDevice): void;
  reject(error: Error): void;
}

export interface PairingDeskOptions {
  /** How long the QR codes of one connection can be scanned. */
  qrRefTtlMs: number;
}

/** Links clients that have no account yet to a phone, by QR or by an eight-character code. */
export class PairingDesk {
  readonly #qrRefTtlMs: number;
  readonly #registrations = new Map<Connection, Registration>();
  readonly #pending = new Map<Connection, Pending>();
  readonly #codes = new LinkCodes();

  constructor({ qrRefTtlMs }: PairingDeskOptions) {
    this.#qrRefTtlMs = qrRefTtlMs;
  }

  /** Takes in a client that introduced itself without an account, and hands it the references of its QR codes. */
  register(connection: Connection, data: proto.ClientPayload.IDevicePairingRegistrationData, noiseKey: Buffer): void {
    const refs = Array.from({ length: REFS }, () => `2@${randomBytes(48).toString('base64')}`);
    const keys = parseRegistrationKeys(data, noiseKey);
    this.#registrations.set(connection, { connection, keys, refs, createdAt: Date.now() });
    connection.send({
      tag: 'iq',
      attrs: { from: S_WHATSAPP_NET, type: 'set', id: connection.nextId(), xmlns: 'md' },
      content: [
        {
          tag: 'pair-device',
          attrs: {},
          content: refs.map((ref) => ({ tag: 'ref', attrs: {}, content: Buffer.from(ref) })),
        },
      ],
    });
  }

  /** A stanza of a client that is not linked yet. */
  receive(connection: Connection, node: BinaryNode): void {
    const registration = this.#registrations.get(connection);
    if (!registration || node.tag !== 'iq') return;
    const signed = getBinaryNodeChild(node, 'pair-device-sign');
    if (signed) return this.#conclude(connection, getBinaryNodeChildBuffer(signed, 'device-identity'));
    const code = getBinaryNodeChild(node, 'link_code_companion_reg');
    const content = code ? this.#codes.receive(registration, code) : [];
    if (node.attrs['type'] === 'result' || !content) return;
    connection.send({
      tag: 'iq',
      attrs: { from: S_WHATSAPP_NET, type: 'result', id: node.attrs['id'] ?? '' },
      ...(content.length > 0 ? { content } : {}),
    });
  }

  forget(connection: Connection): void {
    this.#registrations.delete(connection);
    this.#codes.forget(connection);
    const pending = this.#pending.get(connection);
    this.#pending.delete(connection);
    pending?.reject(new Error('the client closed the connection instead of accepting the link'));
  }

  /** A phone scans a QR. Rejects when it is unknown, expired or forged, or the client refuses the link. */
  async scan(account: Account, text: string): Promise<LinkedDevice> {
    const qr = parsePairingQr(text);
    const registration = [...this.#registrations.values()].find(({ refs }) => refs.includes(qr.ref));
    if (!registration) throw new Error('this QR code is not known here, or its client has gone');
    if (Date.now() - registration.createdAt > this.#qrRefTtlMs) throw new Error('this QR code has expired');
    const { noiseKey, identity } = registration.keys;
    if (!qr.noiseKey.equals(noiseKey) || !qr.identity.equals(identity)) {
      throw new Error('this QR code shows other keys than its client announced');
    }
    return this.#link(registration, account, qr.advSecret);
  }

  /** A phone types a code. Rejects when no client asked for this number, or the code is wrong. */
  async linkByCode(account: Account, code: string): Promise<LinkedDevice> {
    const { registration, advSecret } = await this.#codes.enter(account, code);
    return this.#link(registration, account, advSecret);
  }

  #link(registration: Registration, account: Account, advSecret: Uint8Array): Promise<LinkedDevice> {
    const { connection, keys } = registration;
    const id = account.nextDeviceId();
    const device = new LinkedDevice(account, { ...keys, id, keyIndex: id });
    const identity = signDeviceIdentity(account, keys.identity, device.keyIndex);
    const accepted = new Promise<LinkedDevice>((resolve, reject) => {
      this.#pending.set(connection, { registration, account, identity, device, resolve, reject });
    });
    connection.send({
      tag: 'iq',
      attrs: { from: S_WHATSAPP_NET, type: 'set', id: connection.nextId(), xmlns: 'md' },
      content: [
        {
          tag: 'pair-success',
          attrs: {},
          content: [
            { tag: 'device-identity', attrs: {}, content: sealDeviceIdentity(account, identity, advSecret) },
            { tag: 'device', attrs: { jid: deviceJid(device), lid: deviceJid(device, 'lid') } },
            { tag: 'platform', attrs: { name: 'android' } },
          ],
        },
      ],
    });
    return within(accepted, ANSWER_MS, () => new Error('the client did not answer pair-success'));
  }

  #conclude(connection: Connection, answer: Uint8Array | undefined): void {
    const pending = this.#pending.get(connection);
    if (!pending) return;
    const { registration, account, identity, device } = pending;
    this.#pending.delete(connection);
    if (!answer || !isCountersigned(answer, identity, account, registration.keys.identity)) {
      pending.reject(new Error('the client did not sign its device identity'));
      connection.end({ tag: 'stream:error', attrs: { code: '401' } });
      return;
    }
    this.#registrations.delete(connection);
    account.devices.set(device.id, device);
    pending.resolve(device);
    connection.end({ tag: 'stream:error', attrs: { code: '515' } });
  }
}
