import { createHmac, timingSafeEqual } from 'node:crypto';

/** Links to a device's QR picture that work without a key, signed, for as long as that QR is valid. */
export interface QrLinks {
  /** The root-relative address of the QR that is valid until `expiresAt` (Unix milliseconds). */
  sign(deviceId: string, expiresAt: number): string;
  isValid(deviceId: string, expires: string, signature: string): boolean;
}

export function createQrLinks(secret: string): QrLinks {
  const toSignature = (deviceId: string, expires: string) =>
    createHmac('sha256', secret).update(`qr ${deviceId} ${expires}`).digest();
  return {
    sign(deviceId, expiresAt) {
      const signature = toSignature(deviceId, String(expiresAt)).toString('base64url');
      return `/devices/${encodeURIComponent(deviceId)}/login/qr.png?expires=${expiresAt}&signature=${signature}`;
    },
    isValid(deviceId, expires, signature) {
      const expected = toSignature(deviceId, expires);
      const given = Buffer.from(signature, 'base64url');
      return given.length === expected.length && timingSafeEqual(given, expected) && Number(expires) > Date.now();
    },
  };
}
