import { createHash } from 'node:crypto';
import type { MessageNote } from '@postern/contract';
import { readHeader } from '../inspect/read-header.ts';
import { compressImage, type EncodingPreset, PRESETS } from './compress-image.ts';
import { encodeAgain, type FaithfulImage, keepPixels } from './faithful-image.ts';
import { readSource, type SourcePicture } from './source-picture.ts';
import { createBlankThumbnail, createThumbnail } from './thumbnail.ts';

export interface PrepareOptions {
  /** Long edge at most 1600 px, JPEG, if that makes it smaller. */
  compress: boolean;
  /** Long edge at most 2560 px and a higher quality; overrides compress. */
  hd: boolean;
  /** The thumbnail shows nothing of the picture. */
  viewOnce: boolean;
}

/** An image as it is handed to WhatsApp: upright, without metadata, decoded once to its end. */
export interface PreparedImage {
  bytes: Buffer;
  mimetype: 'image/jpeg' | 'image/png';
  width: number;
  height: number;
  /** Lower-case hex of `bytes`. */
  sha256: string;
  /** A JPEG of at most 96 px; for a view-once image a blank one, so that nobody makes another from the bytes. */
  thumbnail: Buffer;
  /** What was done to the picture besides removing its metadata; empty when its coded pixels are the sender's own. */
  notes: readonly MessageNote[];
  /** Size of what was given. */
  inputBytes: number;
}

/** Longest time for one step of the image library, in milliseconds. */
const DEFAULT_STEP_TIMEOUT_MS = 60_000;

/**
 * Turns an accepted image into what is sent. Throws VALIDATION_ERROR when the header breaks an image rule and
 * IMAGE_PROCESSING_FAILED when the bytes cannot be decoded to their end or a step takes too long.
 * It admits no limits on memory by itself: use {@link createImageProcessor} where several run at once.
 */
export async function prepareImage(
  bytes: Buffer,
  { compress, hd, viewOnce }: PrepareOptions,
  stepTimeoutMs: number = DEFAULT_STEP_TIMEOUT_MS,
): Promise<PreparedImage> {
  const source = await readSource(bytes, readHeader(bytes));
  const preset = hd ? PRESETS.hd : compress ? PRESETS.compress : undefined;
  const chosen = await chooseEncoding(source, preset, stepTimeoutMs);
  const seen = await createThumbnail(chosen, stepTimeoutMs);
  const thumbnail = viewOnce ? await createBlankThumbnail(chosen.width, chosen.height) : seen;
  const sha256 = createHash('sha256').update(chosen.bytes).digest('hex');
  return { ...chosen, sha256, thumbnail, inputBytes: bytes.byteLength };
}

async function chooseEncoding(
  source: SourcePicture,
  preset: EncodingPreset | undefined,
  stepTimeoutMs: number,
): Promise<FaithfulImage> {
  const kept = keepPixels(source);
  if (!preset) return kept ?? (await encodeAgain(source, stepTimeoutMs));
  const compressed = await compressImage(source, preset, stepTimeoutMs);
  if (!kept && source.mimetype !== 'image/png') return compressed; // the other would be a larger JPEG of a higher quality
  const faithful = kept ?? (await encodeAgain(source, stepTimeoutMs));
  return compressed.bytes.byteLength < faithful.bytes.byteLength ? compressed : faithful;
}
