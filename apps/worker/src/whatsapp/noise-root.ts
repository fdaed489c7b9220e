import { WA_CERT_DETAILS } from '@whiskeysockets/baileys';

/** Trusts another root key (64 hex digits) than WhatsApp's for the Noise handshake; holds for the whole process. */
export function trustNoiseRoot(hex: string): void {
  if (!/^[0-9a-f]{64}$/i.test(hex)) throw new Error('the Noise root key must be 64 hexadecimal digits');
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(hex, 'hex');
}
