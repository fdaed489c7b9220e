import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';

/** Seals what is kept of an account in Redis. `context` names the place (key and field): a value moved elsewhere does not open. */
export interface StateCipher {
  seal(plain: Uint8Array, context: string): Buffer;
  /** Throws StateKeyError when the value was sealed with another key, or with one and we have none. */
  open(sealed: Buffer, context: string): Buffer;
}

/** The stored state cannot be read with the STATE_ENCRYPTION_KEY of this process. Nothing is overwritten. */
export class StateKeyError extends Error {
  override name = 'StateKeyError';
}

const PLAIN = 0;
const AES_256_GCM = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const SALT = 'postern state v1';

/**
 * Without a secret values are stored as they are, after a byte 0. With one: byte 1, 12 random bytes, AES-256-GCM
 * ciphertext, 16 bytes of tag; the key is scrypt(secret, 'postern state v1', N=16384, r=8, p=1), so that a passphrase
 * serves as well as 32 random bytes. Values stored before a secret was set stay readable and are sealed when next written.
 */
export function createStateCipher(secret: string | undefined): StateCipher {
  const key = secret === undefined ? undefined : scryptSync(secret, SALT, 32);
  return {
    seal(plain, context) {
      if (key === undefined) return Buffer.concat([Buffer.of(PLAIN), plain]);
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(context));
      return Buffer.concat([Buffer.of(AES_256_GCM), iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, context) {
      if (sealed[0] === PLAIN) return sealed.subarray(1);
      if (sealed[0] !== AES_256_GCM || sealed.length < 1 + IV_BYTES + TAG_BYTES) {
        throw new StateKeyError('stored state is damaged');
      }
      if (key === undefined) {
        throw new StateKeyError('the stored credentials are encrypted and STATE_ENCRYPTION_KEY is not set');
      }
      const iv = sealed.subarray(1, 1 + IV_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(context));
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(sealed.subarray(1 + IV_BYTES, -TAG_BYTES)), decipher.final()]);
      } catch (cause) {
        throw new StateKeyError('the stored credentials were encrypted with another STATE_ENCRYPTION_KEY', { cause });
      }
    },
  };
}
