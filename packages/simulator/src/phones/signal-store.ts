import { generateSignalPubKey, type KeyPair } from '@whiskeysockets/baileys';
import type { SessionRecord, SignalStorage } from 'libsignal';
import { PreKeyWhisperMessage } from 'libsignal/src/protobufs.js';

/** More closed sessions than libsignal keeps would make it print one, keys included. */
const MAX_SESSIONS = 30;

/** The part of libsignal's session record its declaration leaves out. */
interface OpenRecord {
  sessions: Record<string, { indexInfo: { closed: number } }>;
}

/** A device's keys and sessions in memory. Sessions are live objects: nothing is serialised per message. */
export class SignalStore implements SignalStorage {
  readonly preKeys = new Map<number, KeyPair>();
  readonly #identity: { privKey: Buffer; pubKey: Buffer };
  readonly #signedPreKey: { privKey: Buffer; pubKey: Buffer };
  readonly #registrationId: number;
  readonly #sessions = new Map<string, SessionRecord>();

  constructor(identity: KeyPair, signedPreKey: KeyPair, registrationId: number) {
    this.#identity = toSignalPair(identity, true);
    this.#signedPreKey = toSignalPair(signedPreKey);
    this.#registrationId = registrationId;
  }

  async loadSession(address: string): Promise<SessionRecord | undefined> {
    return this.#sessions.get(address);
  }

  async storeSession(address: string, record: SessionRecord): Promise<void> {
    this.#sessions.set(address, record);
  }

  hasOpenSession(address: string): boolean {
    return this.#sessions.get(address)?.haveOpenSession() ?? false;
  }

  deleteSession(address: string): void {
    this.#sessions.delete(address);
  }

  /** Closes the open session when a pre-key message begins another one: libsignal would do it and print the old keys. */
  closeForPreKeyMessage(address: string, ciphertext: Uint8Array): void {
    const record = this.#sessions.get(address);
    if (!record) return;
    const { sessions } = record as unknown as OpenRecord;
    const baseKey = Buffer.from(PreKeyWhisperMessage.decode(ciphertext.subarray(1)).baseKey).toString('base64');
    if (baseKey in sessions) return;
    for (const { indexInfo } of Object.values(sessions)) if (indexInfo.closed === -1) indexInfo.closed = Date.now();
    for (const key of Object.keys(sessions).slice(0, -MAX_SESSIONS)) delete sessions[key];
  }

  isTrustedIdentity(): boolean {
    return true;
  }

  async loadPreKey(id: number | string): Promise<{ privKey: Buffer; pubKey: Buffer } | undefined> {
    const key = this.preKeys.get(Number(id));
    return key && toSignalPair(key);
  }

  removePreKey(id: number): void {
    this.preKeys.delete(id);
  }

  loadSignedPreKey(): { privKey: Buffer; pubKey: Buffer } {
    return this.#signedPreKey;
  }

  getOurRegistrationId(): number {
    return this.#registrationId;
  }

  getOurIdentity(): { privKey: Buffer; pubKey: Buffer } {
    return this.#identity;
  }
}

function toSignalPair(keys: KeyPair, isTyped = false): { privKey: Buffer; pubKey: Buffer } {
  const pubKey = isTyped ? generateSignalPubKey(keys.public) : keys.public;
  return { privKey: Buffer.from(keys.private), pubKey: Buffer.from(pubKey) };
}
