import { Failure } from '@postern/contract';
import { within } from '@postern/runtime';
import { readHeader } from '../inspect/read-header.ts';
import { PixelGate } from './pixel-gate.ts';
import type { PreparedImage, PrepareOptions } from './prepare-image.ts';

export interface ImageProcessorOptions {
  /**
   * Pixels that may be decoded at the same time, together. A larger image is processed alone. Measured peaks in bytes a
   * pixel: 0.2 a plain JPEG, 5 an interlaced PNG, 6 a progressive JPEG, 4 to 10 what is encoded again, 16 an interlaced
   * 16-bit PNG with alpha that EXIF turns. Default: 64 million.
   */
  maxPixelsInFlight?: number;
  /** For one image, from its admission, in milliseconds. Default: 60,000. */
  timeoutMs?: number;
}

export interface ImageProcessor {
  /** {@link prepareImage} behind the admission by pixels, first come, first served. Rejects with the signal's reason. */
  prepare(bytes: Buffer, options: PrepareOptions, signal?: AbortSignal): Promise<PreparedImage>;
  readonly stats: ImageProcessorStats;
}

export interface ImageProcessorStats {
  active: number;
  waiting: number;
  pixelsInFlight: number;
}

/**
 * One per process: it bounds the memory that decoding takes, however many images are prepared at once. The image library
 * (some 25 MB) is loaded here, not by the package: a gateway never needs it.
 */
export function createImageProcessor(options: ImageProcessorOptions = {}): ImageProcessor {
  const { maxPixelsInFlight = 64_000_000, timeoutMs = 60_000 } = options;
  const gate = new PixelGate(maxPixelsInFlight);
  const library = import('./prepare-image.ts');
  const onTimeout = () =>
    new Failure('IMAGE_PROCESSING_FAILED', `The image cannot be decoded: that takes longer than ${timeoutMs} ms`);

  return {
    async prepare(bytes, prepareOptions, signal) {
      const { width, height } = readHeader(bytes);
      const release = await gate.acquire(width * height, signal);
      // Native work cannot be interrupted at once: its pixels count until it has really ended.
      const preparing = library
        .then(({ prepareImage }) => prepareImage(bytes, prepareOptions, timeoutMs))
        .finally(release);
      return await within(preparing, timeoutMs, onTimeout, signal);
    },
    get stats() {
      return gate.stats;
    },
  };
}
