import { verifySignature } from 'libsignal/src/curve.js';
import { KEY_TYPE } from './key-bundle.ts';

/** Whether a curve25519 key (32 bytes) signed the message. Baileys' `Curve.verify` cannot say: it ignores the result. */
export function isSignedBy(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  return verifySignature(Buffer.concat([KEY_TYPE, publicKey]), message, signature);
}
