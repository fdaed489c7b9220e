import { createPublicKey, verify } from 'node:crypto';
import { Curve } from '@whiskeysockets/baileys';

const FIELD_PRIME = 2n ** 255n - 19n;
const LOW_255_BITS = 2n ** 255n - 1n;

/**
 * Makes Baileys check signatures. In 7.0.0-rc14 `Curve.verify` drops the answer of libsignal's check and returns true
 * for anything well formed, so that any certificate chain of the Noise handshake and any account signature of a pairing
 * would pass. `Curve` is exported and read at each use; replacing its member repairs both for the whole process.
 */
export function repairSignatureCheck(): void {
  Curve.verify = verifySignature;
}

/**
 * Verifies an XEdDSA signature as Signal and WhatsApp make them: an Ed25519 signature under the Edwards form of an X25519
 * public key, with the sign of that form in the signature's highest bit (signal.org/docs/specifications/xeddsa).
 * The key has 32 bytes, or 33 with Signal's leading type byte. Never throws.
 */
export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const montgomery = publicKey.length === 33 ? publicKey.subarray(1) : publicKey;
  if (montgomery.length !== 32 || signature.length !== 64) return false;
  const sign = (signature[63] ?? 0) & 0x80;
  const edwards = toEdwards(montgomery);
  edwards[31] = (edwards[31] ?? 0) | sign;
  const plain = Buffer.from(signature);
  plain[63] = (plain[63] ?? 0) & 0x7f;
  try {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: edwards.toString('base64url') };
    return verify(null, message, createPublicKey({ key: jwk, format: 'jwk' }), plain);
  } catch {
    return false;
  }
}

/** The y coordinate, little endian: (u - 1) / (u + 1). */
function toEdwards(montgomery: Uint8Array): Buffer {
  const u = BigInt(`0x${Buffer.from(montgomery.toReversed()).toString('hex')}`) & LOW_255_BITS;
  const y = ((u - 1n + FIELD_PRIME) * power(u + 1n, FIELD_PRIME - 2n)) % FIELD_PRIME;
  return Buffer.from(Buffer.from(y.toString(16).padStart(64, '0'), 'hex').toReversed());
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % FIELD_PRIME;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % FIELD_PRIME;
    square = (square * square) % FIELD_PRIME;
  }
  return result;
}
