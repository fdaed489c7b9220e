import { toEncodingNotes } from './encoding-notes.ts';
import { type FaithfulImage, toShownColours } from './faithful-image.ts';
import { encode, WHITE } from './image-library.ts';
import type { SourcePicture } from './source-picture.ts';

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
  source: SourcePicture,
  { longEdge, quality }: EncodingPreset,
  timeoutMs: number,
): Promise<FaithfulImage> {
  const encoded = await encode(
    source,
    (upright) =>
      toShownColours(upright, source)
        .resize({ width: longEdge, height: longEdge, fit: 'inside', withoutEnlargement: true })
        .flatten({ background: WHITE })
        .jpeg({ quality }),
    timeoutMs,
  );
  return { ...encoded, mimetype: 'image/jpeg', notes: toEncodingNotes(source, encoded, 'image/jpeg') };
}
