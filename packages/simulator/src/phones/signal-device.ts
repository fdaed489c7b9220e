import {
  Curve,
  encodeWAMessage,
  generateRegistrationId,
  generateSignalPubKey,
  type KeyPair,
  type proto,
  signedKeyPair,
} from '@whiskeysockets/baileys';
import { ProtocolAddress, SessionBuilder, SessionCipher } from 'libsignal';
import type { KeyBundle } from '../accounts/key-bundle.ts';
import { SenderKeys } from './sender-keys.ts';
import { SignalStore } from './signal-store.ts';

/** Unused one-time keys a device remembers; an older one that is used after all makes its message undecryptable. */
const MAX_PRE_KEYS = 5_000;

/** The cryptography of one simulated device: its keys, its Signal sessions, and the sender keys of groups. */
export class SignalDevice {
  readonly registrationId: number = generateRegistrationId();
  readonly senderKeys: SenderKeys;
  readonly #identity: KeyPair;
  readonly #name: string;
  readonly #signedPreKey: ReturnType<typeof signedKeyPair>;
  readonly #store: SignalStore;
  #lastPreKeyId = 0;

  /** `name` keeps this device's jobs apart in libsignal's process-wide queues. */
  constructor(name: string, identity: KeyPair) {
    this.#name = name;
    this.#identity = identity;
    this.#signedPreKey = signedKeyPair(identity, 1);
    this.#store = new SignalStore(identity, this.#signedPreKey.keyPair, this.registrationId);
    this.senderKeys = new SenderKeys(name);
  }

  /** A bundle with a fresh one-time key. */
  takeBundle(): KeyBundle {
    this.#lastPreKeyId += 1;
    const id = this.#lastPreKeyId;
    const preKey = Curve.generateKeyPair();
    const { preKeys } = this.#store;
    preKeys.set(id, preKey);
    if (preKeys.size > MAX_PRE_KEYS) {
      const [oldest] = preKeys.keys();
      if (oldest !== undefined) preKeys.delete(oldest);
    }
    const { keyPair, keyId, signature } = this.#signedPreKey;
    return {
      registrationId: this.registrationId,
      identity: this.#identity.public,
      signedPreKey: { id: keyId, public: keyPair.public, signature },
      preKey: { id, public: preKey.public },
    };
  }

  /** Opens a pairwise ciphertext; `sender` is any stable name of the sending device. */
  async decrypt(sender: string, type: 'pkmsg' | 'msg', ciphertext: Uint8Array): Promise<Buffer> {
    const address = this.#address(sender);
    const cipher = new SessionCipher(this.#store, address);
    const bytes = Buffer.from(ciphertext.buffer, ciphertext.byteOffset, ciphertext.length);
    if (type === 'msg') return cipher.decryptWhisperMessage(bytes);
    this.#store.closeForPreKeyMessage(address.toString(), bytes);
    return cipher.decryptPreKeyWhisperMessage(bytes);
  }

  /** Seals a message, opening a session from the bundle first when there is none. Undefined without either. */
  async encrypt(recipient: string, message: proto.IMessage, takeBundle: () => KeyBundle | undefined) {
    const address = this.#address(recipient);
    if (!this.#store.hasOpenSession(address.toString())) {
      const bundle = takeBundle();
      if (!bundle) return undefined;
      await this.#open(address, bundle);
    }
    const { type, body } = await new SessionCipher(this.#store, address).encrypt(encodeWAMessage(message));
    return { type: type === 3 ? 'pkmsg' : 'msg', ciphertext: Buffer.from(body, 'binary') };
  }

  /** Forgets the session with a device, so that the next message opens a new one. */
  forget(recipient: string): void {
    this.#store.deleteSession(this.#address(recipient).toString());
  }

  #open(address: ProtocolAddress, { identity, registrationId, signedPreKey, preKey }: KeyBundle): Promise<void> {
    const session = {
      registrationId,
      identityKey: generateSignalPubKey(identity),
      signedPreKey: {
        keyId: signedPreKey.id,
        publicKey: generateSignalPubKey(signedPreKey.public),
        signature: signedPreKey.signature,
      },
      ...(preKey ? { preKey: { keyId: preKey.id, publicKey: generateSignalPubKey(preKey.public) } } : {}),
    };
    // libsignal takes a bundle without a one-time key; only its declaration asks for one.
    return new SessionBuilder(this.#store, address).initOutgoing(
      session as Parameters<SessionBuilder['initOutgoing']>[0],
    );
  }

  #address(peer: string): ProtocolAddress {
    return new ProtocolAddress(`${this.#name}/${peer}`, 0);
  }
}
