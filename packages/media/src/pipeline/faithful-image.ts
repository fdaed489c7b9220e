import { IMAGE_LIMITS, type MessageNote } from '@postern/contract';
import type { Metadata } from 'sharp';
import type { ImageHeader } from '../inspect/header-inspector.ts';
import { toEncodingNotes } from './encoding-notes.ts';
import { openToEncode, runPipeline, WHITE } from './image-library.ts';
import { stripJpeg } from './strip-jpeg.ts';
import { stripPng } from './strip-png.ts';

/** An image in a format that is sent, with what became of its coded pixels. */
export interface FaithfulImage {
  bytes: Buffer;
  mimetype: 'image/jpeg' | 'image/png';
  width: number;
  height: number;
  /** Empty when the coded pixels and how they are shown are the sender's own. */
  notes: readonly MessageNote[];
}

/**
 * Of what must be encoded again nothing visible may be lost: no colour subsampling, and a quality above most cameras'.
 * Optimised Huffman tables would hold the whole image's coefficients in memory (measured: 15 instead of 4 to 9 bytes a
 * pixel, and twice the time) to save a tenth of the bytes.
 */
const JPEG = { quality: 94, chromaSubsampling: '4:4:4', optimiseCoding: false } as const;
/** For a picture that would thereby outgrow what is accepted for sending. */
const SMALLER_JPEG = { quality: 85, chromaSubsampling: '4:2:0', optimiseCoding: false } as const;
const PNG = { compressionLevel: 6, adaptiveFiltering: true } as const;

/**
 * The sender's own coded pixels without the metadata around them, where phones can show them as they are. Undefined when
 * the picture has to be encoded again: turned by EXIF, CMYK, 16 bits, uncommon coding, GIF or WebP, or not whole.
 * Nothing is decoded here.
 */
export function keepPixels(bytes: Buffer, header: ImageHeader, metadata: Metadata): FaithfulImage | undefined {
  const { mimetype, width, height } = header;
  const isTurned = (metadata.orientation ?? 1) > 1;
  if (isTurned || mimetype === 'image/gif' || mimetype === 'image/webp') return undefined;
  const stripped = mimetype === 'image/png' ? stripPng(bytes) : stripJpeg(bytes);
  return stripped && { bytes: stripped, mimetype, width, height, notes: [] };
}

/**
 * The picture encoded again, upright, with eight bits a sample in sRGB (grey stays grey) and no profile: PNG as PNG,
 * everything else as JPEG on white. Throws IMAGE_PROCESSING_FAILED.
 */
export async function encodeAgain(
  bytes: Buffer,
  header: ImageHeader,
  metadata: Metadata,
  timeoutMs: number,
): Promise<FaithfulImage> {
  const { space } = metadata;
  const pixels = openToEncode(bytes, metadata).toColourspace(space === 'b-w' || space === 'grey16' ? 'b-w' : 'srgb');
  if (header.mimetype === 'image/png') {
    const encoded = await runPipeline(pixels.png(PNG), timeoutMs);
    return { ...encoded, mimetype: 'image/png', notes: toEncodingNotes(metadata, encoded, 'image/png') };
  }
  const opaque = pixels.flatten({ background: WHITE });
  const best = await runPipeline(opaque.clone().jpeg(JPEG), timeoutMs);
  const isTooLarge = best.bytes.byteLength > IMAGE_LIMITS.maxBytes;
  const chosen = isTooLarge ? await runPipeline(opaque.clone().jpeg(SMALLER_JPEG), timeoutMs) : best;
  return { ...chosen, mimetype: 'image/jpeg', notes: toEncodingNotes(metadata, chosen, 'image/jpeg') };
}
