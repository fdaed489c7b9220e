import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { Curve, type KeyPair, NOISE_MODE, NOISE_WA_HEADER } from '@whiskeysockets/baileys';
import type { NoiseIdentity } from './certificate-authority.ts';

const TAG_BYTES = 16;
const NOTHING = Buffer.alloc(0);

interface Handshake {
  hash: Buffer;
  salt: Buffer;
  key: Buffer;
  counter: number;
}

/**
 * The server's side of WhatsApp's Noise_XX_25519_AESGCM_SHA256 handshake and of the transport after it.
 * Order: `answerHello`, `readFinish`, then `encrypt` and `decrypt` any number of times.
 */
export class NoiseResponder {
  readonly #identity: NoiseIdentity;
  readonly #ephemeral: KeyPair = Curve.generateKeyPair();
  readonly #handshake: Handshake;
  #read: Cipher | undefined;
  #write: Cipher | undefined;

  constructor(identity: NoiseIdentity) {
    this.#identity = identity;
    const start = Buffer.from(NOISE_MODE, 'latin1');
    this.#handshake = { hash: start, salt: start, key: start, counter: 0 };
    this.#mixHash(NOISE_WA_HEADER);
  }

  /** The server hello for a client's ephemeral key: our ephemeral key, and our static key and chain, sealed. */
  answerHello(clientEphemeral: Uint8Array): { ephemeral: Uint8Array; static: Uint8Array; payload: Uint8Array } {
    this.#mixHash(clientEphemeral);
    this.#mixHash(this.#ephemeral.public);
    this.#mixKey(Curve.sharedKey(this.#ephemeral.private, clientEphemeral));
    const sealedStatic = this.#seal(this.#identity.keys.public);
    this.#mixKey(Curve.sharedKey(this.#identity.keys.private, clientEphemeral));
    return {
      ephemeral: this.#ephemeral.public,
      static: sealedStatic,
      payload: this.#seal(this.#identity.certificateChain),
    };
  }

  /** Opens the client's last handshake message; afterwards the transport is ready. Throws when it was tampered with. */
  readFinish(finish: { static: Uint8Array; payload: Uint8Array }): { clientStatic: Buffer; payload: Buffer } {
    const clientStatic = this.#open(finish.static);
    this.#mixKey(Curve.sharedKey(this.#ephemeral.private, clientStatic));
    const payload = this.#open(finish.payload);
    const [read, write] = this.#expand(NOTHING);
    this.#read = new Cipher(read);
    this.#write = new Cipher(write);
    return { clientStatic, payload };
  }

  encrypt(plain: Uint8Array): Buffer {
    if (!this.#write) throw new Error('the handshake is not finished');
    return this.#write.seal(plain, NOTHING);
  }

  decrypt(sealed: Uint8Array): Buffer {
    if (!this.#read) throw new Error('the handshake is not finished');
    return this.#read.open(sealed, NOTHING);
  }

  #mixHash(bytes: Uint8Array): void {
    const state = this.#handshake;
    state.hash = createHash('sha256').update(state.hash).update(bytes).digest();
  }

  #mixKey(secret: Uint8Array): void {
    const [salt, key] = this.#expand(secret);
    Object.assign(this.#handshake, { salt, key, counter: 0 });
  }

  #expand(secret: Uint8Array): [Buffer, Buffer] {
    const bytes = Buffer.from(hkdfSync('sha256', secret, this.#handshake.salt, NOTHING, 64));
    return [bytes.subarray(0, 32), bytes.subarray(32)];
  }

  #seal(plain: Uint8Array): Buffer {
    const state = this.#handshake;
    const sealed = new Cipher(state.key, state.counter).seal(plain, state.hash);
    state.counter += 1;
    this.#mixHash(sealed);
    return sealed;
  }

  #open(sealed: Uint8Array): Buffer {
    const state = this.#handshake;
    const plain = new Cipher(state.key, state.counter).open(sealed, state.hash);
    state.counter += 1;
    this.#mixHash(sealed);
    return plain;
  }
}

/** AES-256-GCM whose nonce counts the messages of one direction. */
class Cipher {
  readonly #key: Buffer;
  readonly #nonce = Buffer.alloc(12);
  #counter: number;

  constructor(key: Buffer, counter = 0) {
    this.#key = key;
    this.#counter = counter;
  }

  seal(plain: Uint8Array, associated: Uint8Array): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#key, this.#nextNonce()).setAAD(associated);
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  open(sealed: Uint8Array, associated: Uint8Array): Buffer {
    const end = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, this.#nextNonce()).setAAD(associated);
    decipher.setAuthTag(sealed.subarray(end));
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
  }

  #nextNonce(): Buffer {
    this.#nonce.writeUInt32BE(this.#counter, 8);
    this.#counter += 1;
    return this.#nonce;
  }
}
