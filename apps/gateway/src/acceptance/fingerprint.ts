import { createHash } from 'node:crypto';
import type { SendFields } from './send-fields.ts';

/**
 * What makes two requests the same, as a hash: the device, every normalised field, and the image by its SHA-256 or its
 * URL. However a field was written, the same meaning gives the same fingerprint.
 */
export function toFingerprint(deviceId: string, fields: SendFields, imageSha256: string | undefined): string {
  const facts = Object.entries({ ...fields, device_id: deviceId, image: imageSha256 ?? '' });
  const sorted = facts.toSorted(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}
