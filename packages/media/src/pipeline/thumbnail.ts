import type { FaithfulImage } from './faithful-image.ts';
import { encode, encodePlain, WHITE } from './image-library.ts';

/** Long edge in pixels: it travels inside every copy of the message, so it is a preview of a few kilobytes. */
const LONG_EDGE = 96;
const QUALITY = 60;

/** A small JPEG of the whole picture. Decodes all of it: throws an IMAGE_PROCESSING_FAILED when it is damaged. */
export async function createThumbnail(image: FaithfulImage, timeoutMs: number): Promise<Buffer> {
  const small = { width: LONG_EDGE, height: LONG_EDGE, fit: 'inside', withoutEnlargement: true } as const;
  const { bytes } = await encode(
    { ...image, frame: 0 },
    (upright) => upright.resize(small).flatten({ background: WHITE }).jpeg({ quality: QUALITY }),
    timeoutMs,
  );
  return bytes;
}

/** A thumbnail in the picture's proportions that shows nothing of it. */
export function createBlankThumbnail(width: number, height: number): Promise<Buffer> {
  const scale = Math.min(1, LONG_EDGE / Math.max(width, height));
  const edge = (length: number) => Math.max(1, Math.round(length * scale));
  return encodePlain({ width: edge(width), height: edge(height) }, '#8a8a8a', QUALITY);
}
