import type { ImageProcessor } from '@postern/media';

/** An image processor that tells how many bytes went in and how many came out. */
export function createMeasuredImages(
  images: ImageProcessor,
  onPrepared: (inputBytes: number, outputBytes: number) => void,
): ImageProcessor {
  return {
    get stats() {
      return images.stats;
    },
    async prepare(bytes, ...rest) {
      const prepared = await images.prepare(bytes, ...rest);
      onPrepared(bytes.byteLength, prepared.bytes.byteLength);
      return prepared;
    },
  };
}
