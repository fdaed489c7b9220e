import { IMAGE_LIMITS, type MessageNote } from '@postern/contract';
import type { Sharp } from 'sharp';
import { toEncodingNotes } from './encoding-notes.ts';
import { encode, WHITE } from './image-library.ts';
import type { SourcePicture } from './source-picture.ts';
import { chooseQuality } from './source-quality.ts';
import { stripJpeg } from './strip-jpeg.ts';
import { stripPng } from './strip-png.ts';

/** An image in a format that is sent, with what became of its coded pixels. */
export interface FaithfulImage {
  bytes: Buffer;
  mimetype: 'image/jpeg' | 'image/png';
  width: number;
  height: number;
  notes: readonly MessageNote[];
}

/**
 * Optimised Huffman tables would hold the whole image's coefficients in memory (measured: 15 instead of 4 to 9 bytes a
 * pixel, and twice the time) to save a tenth of the bytes.
 */
const JPEG = { optimiseCoding: false } as const;
/** For a picture that would otherwise outgrow what is accepted for sending. */
const SMALLER_JPEG = { ...JPEG, quality: 85, chromaSubsampling: '4:2:0' } as const;
const PNG = { compressionLevel: 6, adaptiveFiltering: true } as const;

/**
 * The sender's own coded pixels without the metadata around them, where phones can show them as they are. Undefined when
 * the picture has to be encoded again: turned by EXIF, CMYK, 16 bits, uncommon coding or colours, GIF or WebP, or not whole.
 * Nothing is decoded here.
 */
export function keepPixels(source: SourcePicture): FaithfulImage | undefined {
  const { bytes, mimetype, width, height, orientation, profile, isEndAdded } = source;
  if (orientation > 1 || profile === 'odd' || mimetype === 'image/gif' || mimetype === 'image/webp') return undefined;
  const stripped = mimetype === 'image/png' ? stripPng(bytes, profile) : stripJpeg(bytes, profile);
  return stripped && { bytes: stripped, mimetype, width, height, notes: isEndAdded ? ['end of file added'] : [] };
}

/**
 * The picture encoded again, upright, with eight bits a sample in sRGB (grey stays grey) and no profile: PNG as PNG,
 * everything else as JPEG on white, with the quality it came with. Throws IMAGE_PROCESSING_FAILED.
 */
export async function encodeAgain(source: SourcePicture, timeoutMs: number): Promise<FaithfulImage> {
  if (source.mimetype === 'image/png') {
    const encoded = await encode(source, (upright) => toShownColours(upright, source).png(PNG), timeoutMs);
    return { ...encoded, mimetype: 'image/png', notes: toEncodingNotes(source, encoded, 'image/png') };
  }
  const encodeAs = (options: typeof SMALLER_JPEG | (typeof JPEG & ReturnType<typeof chooseQuality>)) =>
    encode(
      source,
      (upright) => toShownColours(upright, source).flatten({ background: WHITE }).jpeg(options),
      timeoutMs,
    );
  const best = await encodeAs({ ...JPEG, ...chooseQuality(source) });
  const isTooLarge = best.bytes.byteLength > IMAGE_LIMITS.maxBytes;
  const chosen = isTooLarge ? await encodeAs(SMALLER_JPEG) : best;
  return { ...chosen, mimetype: 'image/jpeg', notes: toEncodingNotes(source, chosen, 'image/jpeg') };
}

/**
 * In sRGB, or grey. Colours of 16 bits are brought there first: the library would work on them in Display P3 and write
 * that out as if it were sRGB.
 */
export function toShownColours(pipeline: Sharp, { metadata: { space } }: SourcePicture): Sharp {
  if (space === 'b-w' || space === 'grey16') return pipeline.toColourspace('b-w');
  return (space === 'rgb16' ? pipeline.pipelineColourspace('srgb') : pipeline).toColourspace('srgb');
}
