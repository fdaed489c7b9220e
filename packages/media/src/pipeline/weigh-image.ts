import type { ImageHeader } from '../inspect/header-inspector.ts';
import { isStartOfFrame } from '../inspect/jpeg-header.ts';
import { readOrientation } from './exif-orientation.ts';
import { walkJpeg } from './jpeg-segments.ts';

/** What decoding takes whatever the picture is: rows in flight, tables, buffers of the encoder. */
const BASE_BYTES = 8_000_000;
/** Samples a pixel of PNG's colour types; a palette becomes colours, and alpha where it has some. */
const PNG_CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 4, 4: 2, 6: 4 };
const PROGRESSIVE_FRAMES = new Set([0xc2, 0xc6, 0xca, 0xce]);

/**
 * How much memory preparing this picture takes at most, in bytes, told by its headers. Most pictures are decoded a few rows
 * at a time; a whole one is held by what is turned, by interlaced PNGs and progressive JPEGs, and by GIF and WebP.
 */
export function weighImage(bytes: Buffer, header: ImageHeader): number {
  const pixels = header.width * header.height;
  const isTurned = readOrientation(bytes, header.mimetype) > 1;
  return BASE_BYTES + 2 * bytes.byteLength + Math.ceil(pixels * bytesPerPixel(bytes, header, isTurned));
}

function bytesPerPixel(bytes: Buffer, { mimetype }: ImageHeader, isTurned: boolean): number {
  switch (mimetype) {
    case 'image/png': {
      const isInterlaced = bytes[28] === 1;
      const frame = (PNG_CHANNELS[bytes[25] ?? 0] ?? 4) * (bytes[24] === 16 ? 2 : 1);
      // An interlaced one that is kept is decoded once more, as it is, for its thumbnail.
      return (isInterlaced ? frame : 0) + (isTurned ? frame : 0);
    }
    case 'image/jpeg': {
      const { isProgressive, coefficients, channels } = readJpegFrame(bytes);
      return (isProgressive ? coefficients * 2 : 0) + (isTurned ? channels + 1 : 0);
    }
    case 'image/gif':
      return 6 + (isTurned ? 4 : 0);
    case 'image/webp':
      return 10 + (isTurned ? 4 : 0);
  }
}

/** From the frame header: how the picture is coded, how many coefficients it has a pixel, and how many channels. */
function readJpegFrame(bytes: Buffer): { isProgressive: boolean; coefficients: number; channels: number } {
  const worst = { isProgressive: true, coefficients: 4, channels: 4 };
  for (const { marker, payload } of walkJpeg(bytes)) {
    if (!isStartOfFrame(marker)) continue;
    const channels = payload[5] ?? 0;
    if (channels < 1 || channels > 4 || payload.byteLength < 6 + 3 * channels) return worst;
    const areas = Array.from({ length: channels }, (_, index) => {
      const factors = payload[7 + 3 * index] ?? 0x11;
      return (factors >> 4) * (factors & 15);
    });
    const coefficients = areas.reduce((sum, area) => sum + area, 0) / Math.max(1, ...areas);
    return { isProgressive: PROGRESSIVE_FRAMES.has(marker), coefficients, channels };
  }
  return worst;
}
