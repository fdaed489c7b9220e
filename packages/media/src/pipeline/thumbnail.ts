import { openImage, plainImage, runPipeline, WHITE } from './image-library.ts';

/** Long edge in pixels: it travels inside every copy of the message, so it is a preview of a few kilobytes. */
const LONG_EDGE = 96;
const QUALITY = 60;

/** A small JPEG of the whole picture. Decodes all of it: throws an IMAGE_PROCESSING_FAILED when it is damaged. */
export async function createThumbnail(bytes: Buffer, timeoutMs: number): Promise<Buffer> {
  const small = openImage(bytes).resize({
    width: LONG_EDGE,
    height: LONG_EDGE,
    fit: 'inside',
    withoutEnlargement: true,
  });
  const jpeg = small.flatten({ background: WHITE }).jpeg({ quality: QUALITY });
  return (await runPipeline(jpeg, timeoutMs)).bytes;
}

/** A thumbnail in the picture's proportions that shows nothing of it. */
export async function createBlankThumbnail(width: number, height: number, timeoutMs: number): Promise<Buffer> {
  const scale = Math.min(1, LONG_EDGE / Math.max(width, height));
  const edge = (length: number) => Math.max(1, Math.round(length * scale));
  const blank = plainImage(edge(width), edge(height), '#8a8a8a').jpeg({ quality: QUALITY });
  return (await runPipeline(blank, timeoutMs)).bytes;
}
