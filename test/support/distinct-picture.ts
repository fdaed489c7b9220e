import { createHash } from 'node:crypto';
import sharp from 'sharp';

const EDGE = 64;

/** A small JPEG of its own: every seed gives other bytes. */
export function createPicture(seed = 0): Promise<Buffer> {
  const tiles = Array.from({ length: 16 }, (_, tile) => createHash('sha256').update(`${seed} ${tile}`).digest());
  const pixels = Buffer.alloc(EDGE * EDGE * 3, Buffer.concat(tiles));
  return sharp(pixels, { raw: { width: EDGE, height: EDGE, channels: 3 } })
    .jpeg({ quality: 80 })
    .toBuffer();
}

/** Hex. */
export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
