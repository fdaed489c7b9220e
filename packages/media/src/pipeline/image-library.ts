import { Failure, IMAGE_LIMITS } from '@postern/contract';
import sharp, { type Metadata, type OutputInfo, type Sharp } from 'sharp';
import type { SourcePicture } from './source-picture.ts';

// Process-wide: one thread per image, since several images are processed at once; no cache of images that never come
// again; and of all the loaders only those of the accepted formats, so that SVG, PDF or TIFF code is never reached.
sharp.concurrency(1);
sharp.cache(false);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpegBuffer',
    'VipsForeignLoadPngBuffer',
    'VipsForeignLoadWebpBuffer',
    'VipsForeignLoadNsgifBuffer',
  ],
});

export const WHITE = '#ffffff';

/** An image's encoded bytes with the size of what they show. */
export interface EncodedImage {
  bytes: Buffer;
  width: number;
  height: number;
}

/** What the library reads from the headers. Throws IMAGE_PROCESSING_FAILED. */
export function readMetadata(bytes: Buffer): Promise<Metadata> {
  return undecodable(open(bytes).metadata());
}

/**
 * Decodes one frame, upright, and encodes what `build` makes of it, within `timeoutMs`. Throws IMAGE_PROCESSING_FAILED
 * when the bytes cannot be decoded to their end, or when that takes too long.
 */
export async function encode(
  source: Pick<SourcePicture, 'bytes' | 'frame' | 'mimetype'>,
  build: (upright: Sharp) => Sharp,
  timeoutMs: number,
): Promise<EncodedImage> {
  const { bytes, frame, mimetype } = source;
  const run = (failOn: FailOn) => runPipeline(build(open(bytes, failOn, frame)), timeoutMs);
  if (mimetype !== 'image/jpeg') return await undecodable(run('error'));
  // A JPEG whose data end early is only warned of: grey stands for what is missing. Other warnings change nothing.
  const strict = await run('warning').catch((error: unknown) => error);
  if (!(strict instanceof Error)) return strict as EncodedImage;
  if (/premature end/.test(strict.message)) throw cutOff(strict);
  return await undecodable(isTimeout(strict) ? Promise.reject(strict) : run('error'));
}

/** A JPEG of one colour. */
export function encodePlain(size: { width: number; height: number }, background: string, quality: number) {
  return sharp({ create: { ...size, channels: 3, background } })
    .jpeg({ quality })
    .toBuffer();
}

type FailOn = 'error' | 'warning';

function open(bytes: Buffer, failOn: FailOn = 'error', page = 0): Sharp {
  const limitInputPixels = IMAGE_LIMITS.maxPixelsPerEdge ** 2;
  return sharp(bytes, { failOn, limitInputPixels, autoOrient: true, page });
}

async function runPipeline(pipeline: Sharp, timeoutMs: number): Promise<EncodedImage> {
  const limited = pipeline.timeout({ seconds: Math.ceil(timeoutMs / 1000) });
  const { data, info }: { data: Buffer; info: OutputInfo } = await limited.toBuffer({ resolveWithObject: true });
  return { bytes: data, width: info.width, height: info.height };
}

/** The awaited result of the image library; its errors, which may quote anything, become the cause only. */
async function undecodable<T>(decoding: Promise<T>): Promise<T> {
  try {
    return await decoding;
  } catch (cause) {
    if (!isTimeout(cause)) throw failed('it is damaged or cut off', 'damaged', cause);
    throw failed('that takes too long', 'too_slow', cause);
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('timeout');
}

function cutOff(cause: unknown): Failure {
  return failed('it is cut off; a part of the picture is missing', 'cut_off', cause);
}

function failed(why: string, reason: string, cause: unknown): Failure {
  return new Failure('IMAGE_PROCESSING_FAILED', `The image cannot be decoded: ${why}`, { cause, details: { reason } });
}
