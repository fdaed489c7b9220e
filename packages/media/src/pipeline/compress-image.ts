import type { FaithfulImage } from './faithful-image.ts';
import { openImage, runPipeline, WHITE } from './image-library.ts';

export interface EncodingPreset {
  /** In pixels; a smaller picture keeps its size. */
  longEdge: number;
  /** JPEG quality, 1 to 100. */
  quality: number;
}

export const PRESETS = {
  compress: { longEdge: 1600, quality: 80 },
  hd: { longEdge: 2560, quality: 90 },
} as const satisfies Record<string, EncodingPreset>;

/** A JPEG in sRGB, upright, on white, at most as large as the preset says. Throws IMAGE_PROCESSING_FAILED. */
export async function compressImage(bytes: Buffer, preset: EncodingPreset, timeoutMs: number): Promise<FaithfulImage> {
  const { longEdge, quality } = preset;
  const resized = openImage(bytes)
    .resize({ width: longEdge, height: longEdge, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: WHITE })
    .toColourspace('srgb')
    .jpeg({ quality });
  return { ...(await runPipeline(resized, timeoutMs)), mimetype: 'image/jpeg', reencoded: true };
}
