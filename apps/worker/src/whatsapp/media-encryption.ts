import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { getMediaKeys } from '@whiskeysockets/baileys';

/** Work between two turns of the event loop: about a millisecond. */
const SLICE_BYTES = 512 * 1024;
const MAC_BYTES = 10;

/** An image as WhatsApp's media servers store it. */
export interface EncryptedMedia {
  mediaKey: Buffer;
  /** Ciphertext and MAC. */
  body: Buffer[];
  length: number;
  /** SHA-256 of the body. */
  fileEncSha256: Buffer;
}

/**
 * Encrypts an image for upload as WhatsApp does: AES-256-CBC under a key derived from a random media key, then the first
 * 10 bytes of HMAC-SHA256 over IV and ciphertext. In memory and in slices: Baileys' own way leads through files in the
 * temporary directory, which a killed process leaves behind.
 */
export async function encryptImage(image: Buffer, signal: AbortSignal): Promise<EncryptedMedia> {
  const mediaKey = randomBytes(32);
  const { iv, cipherKey, macKey } = await getMediaKeys(mediaKey, 'image');
  if (!macKey) throw new Error('the media key gave no MAC key');
  const cipher = createCipheriv('aes-256-cbc', cipherKey, iv);
  const mac = createHmac('sha256', macKey).update(iv);
  const hash = createHash('sha256');
  const body: Buffer[] = [];
  const push = (part: Buffer) => {
    mac.update(part);
    hash.update(part);
    body.push(part);
  };
  for (let start = 0; start < image.length; start += SLICE_BYTES) {
    push(cipher.update(image.subarray(start, start + SLICE_BYTES)));
    if (start > 0) await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  }
  push(cipher.final());
  const tag = mac.digest().subarray(0, MAC_BYTES);
  hash.update(tag);
  body.push(tag);
  return { mediaKey, body, length: body.reduce((sum, part) => sum + part.length, 0), fileEncSha256: hash.digest() };
}
