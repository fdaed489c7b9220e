import { createHash } from 'node:crypto';
import { Failure, type MessageNote } from '@postern/contract';
import type { ImageHeader } from '../inspect/header-inspector.ts';
import { readHeader } from '../inspect/read-header.ts';
import { compressImage, type EncodingPreset, PRESETS } from './compress-image.ts';
import { encodeAgain, type FaithfulImage, keepPixels } from './faithful-image.ts';
import { damaged, openImage, undecodable } from './image-library.ts';
import { surveyJpeg } from './jpeg-segments.ts';
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
  const header = readHeader(bytes);
  refuseHopeless(header, bytes);
  const preset = hd ? PRESETS.hd : compress ? PRESETS.compress : undefined;
  const chosen = await chooseEncoding(bytes, header, preset, stepTimeoutMs);
  const { width, height } = chosen;
  const seen = await createThumbnail(chosen.bytes, stepTimeoutMs);
  const thumbnail = viewOnce ? await createBlankThumbnail(width, height, stepTimeoutMs) : seen;
  const sha256 = createHash('sha256').update(chosen.bytes).digest('hex');
  return { ...chosen, sha256, thumbnail, inputBytes: bytes.byteLength };
}

async function chooseEncoding(
  bytes: Buffer,
  header: ImageHeader,
  preset: EncodingPreset | undefined,
  stepTimeoutMs: number,
): Promise<FaithfulImage> {
  const metadata = await undecodable(openImage(bytes).metadata());
  const kept = keepPixels(bytes, header, metadata);
  if (!preset) return kept ?? (await encodeAgain(bytes, header, metadata, stepTimeoutMs));
  const compressed = await compressImage(bytes, metadata, preset, stepTimeoutMs);
  if (!kept && header.mimetype !== 'image/png') return compressed; // the other would be a larger JPEG of a higher quality
  const faithful = kept ?? (await encodeAgain(bytes, header, metadata, stepTimeoutMs));
  return compressed.bytes.byteLength < faithful.bytes.byteLength ? compressed : faithful;
}

/** Many times what any encoder writes (about ten); legal bytes may hold thousands, each a pass over the whole picture. */
const MAX_JPEG_SCANS = 100;

/**
 * Refuses, before anything is decoded, a JPEG without an end, and few bytes that claim much work. A lossless WebP of one colour needs no bits for
 * its pixels: 38 bytes can claim 256 megapixels, a gigabyte decoded; no other format codes more than about 8,300 pixels in
 * a byte (a PNG of one bit a pixel). A progressive JPEG of under 1 MB can keep a core busy for a minute with its scans.
 */
function refuseHopeless({ mimetype, width, height }: ImageHeader, bytes: Buffer): void {
  const refuse = (claim: string) =>
    new Failure('IMAGE_PROCESSING_FAILED', `The image cannot be decoded: it claims ${claim}`);
  const pixels = width * height;
  if (pixels > 16_000_000 && pixels / bytes.byteLength > 10_000) {
    throw refuse(`${width}×${height} pixels in ${bytes.byteLength} bytes`);
  }
  if (mimetype !== 'image/jpeg') return;
  const { scans, isWhole } = surveyJpeg(bytes);
  if (scans > MAX_JPEG_SCANS) throw refuse(`${scans} scans; at most ${MAX_JPEG_SCANS} are decoded`);
  // The decoder may have all its pixels before it misses the end, and says so only by chance.
  if (!isWhole) throw damaged();
}
