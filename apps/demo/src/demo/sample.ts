import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../processes/source-path.ts';

/** The documented request: this photo with this caption, from this device to this person. */
export const DEVICE_ID = 'my-device';
export const RECIPIENT = '6281234567890';
export const CAPTION = 'Check out this amazing photo!';
/** Whose account the device is linked to. */
export const SENDER = '6289900001111';

/** A rendered landscape with camera and GPS data in its EXIF block, which must not reach the phone. */
const SAMPLE_PATH = join(ROOT, 'apps', 'demo', 'samples', 'photo.jpg');
const SAMPLE_SIZE = { width: 1280, height: 960 } as const;

export interface Sample {
  path: string;
  bytes: Buffer;
  /** Hex. */
  sha256: string;
  /** Pixels. */
  width: number;
  height: number;
}

export async function readSample(): Promise<Sample> {
  const bytes = await readFile(SAMPLE_PATH);
  return { path: SAMPLE_PATH, bytes, sha256: sha256(bytes), ...SAMPLE_SIZE };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Whether a JPEG carries an EXIF block (camera, time, place). */
export function hasExif(jpeg: Buffer): boolean {
  return jpeg.includes('Exif\0\0', 0, 'latin1');
}

/** The documented call, ready to paste into a shell. */
export function toCurl(gatewayUrl: string, path: string): string {
  return [
    `curl -X POST ${gatewayUrl}/send/image`,
    `-H "X-Device-Id: ${DEVICE_ID}"`,
    `-F "phone=${RECIPIENT}@s.whatsapp.net"`,
    `-F "caption=${CAPTION}"`,
    `-F "image=@${path}"`,
  ].join(' ');
}
