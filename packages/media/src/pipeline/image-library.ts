import { Failure, IMAGE_LIMITS } from '@postern/contract';
import sharp, { type Metadata, type OutputInfo, type Sharp } from 'sharp';

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

/** A pipeline on encoded bytes: the first frame, upright; damage ends it in an error. */
export function openImage(bytes: Buffer): Sharp {
  const limitInputPixels = IMAGE_LIMITS.maxPixelsPerEdge ** 2;
  return sharp(bytes, { failOn: 'error', limitInputPixels, autoOrient: true });
}

/**
 * The same, for what is encoded again in sRGB. Colours of 16 bits are brought there first: the library would work on them
 * in Display P3 and write that out as if it were sRGB.
 */
export function openToEncode(bytes: Buffer, { space }: Pick<Metadata, 'space'>): Sharp {
  const pipeline = openImage(bytes);
  return space === 'rgb16' ? pipeline.pipelineColourspace('srgb') : pipeline;
}

/** A pipeline on a picture of one colour. */
export function plainImage(width: number, height: number, background: string): Sharp {
  return sharp({ create: { width, height, channels: 3, background } });
}

/** Runs a pipeline for at most `timeoutMs`; throws an IMAGE_PROCESSING_FAILED when the bytes cannot be decoded. */
export async function runPipeline(pipeline: Sharp, timeoutMs: number): Promise<EncodedImage> {
  const limited = pipeline.timeout({ seconds: Math.ceil(timeoutMs / 1000) });
  const { data, info } = await undecodable<{ data: Buffer; info: OutputInfo }>(
    limited.toBuffer({ resolveWithObject: true }),
  );
  return { bytes: data, width: info.width, height: info.height };
}

/** The awaited result of the image library; its errors, which may quote anything, become the cause only. */
export async function undecodable<T>(decoding: Promise<T>): Promise<T> {
  try {
    return await decoding;
  } catch (cause) {
    if (!String(cause instanceof Error && cause.message).startsWith('timeout')) throw damaged(cause);
    throw new Failure('IMAGE_PROCESSING_FAILED', 'The image cannot be decoded: that takes too long', { cause });
  }
}

/** The failure of an image whose bytes do not decode to their end. */
export function damaged(cause?: unknown): Failure {
  return new Failure('IMAGE_PROCESSING_FAILED', 'The image cannot be decoded: it is damaged or cut off', { cause });
}
