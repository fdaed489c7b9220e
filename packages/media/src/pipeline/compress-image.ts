import type { Metadata } from 'sharp';
import { toEncodingNotes } from './encoding-notes.ts';
import type { FaithfulImage } from './faithful-image.ts';
import { openToEncode, runPipeline, WHITE } from './image-library.ts';

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
export async function compressImage(
  bytes: Buffer,
  metadata: Metadata,
  preset: EncodingPreset,
  timeoutMs: number,
): Promise<FaithfulImage> {
  const { longEdge, quality } = preset;
  const resized = openToEncode(bytes, metadata)
    .resize({ width: longEdge, height: longEdge, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: WHITE })
    .toColourspace('srgb')
    .jpeg({ quality });
  const encoded = await runPipeline(resized, timeoutMs);
  return { ...encoded, mimetype: 'image/jpeg', notes: toEncodingNotes(metadata, encoded, 'image/jpeg') };
}
