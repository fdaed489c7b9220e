import type { ImageProcessor } from '@postern/media';

/** An image processor that tells how many bytes went in and how many came out. */
export function createMeasuredImages(
  images: Pick<ImageProcessor, 'prepare'>,
  onPrepared: (inputBytes: number, outputBytes: number) => void,
): Pick<ImageProcessor, 'prepare'> {
  return {
    async prepare(bytes, ...rest) {
      const prepared = await images.prepare(bytes, ...rest);
      onPrepared(bytes.byteLength, prepared.bytes.byteLength);
      return prepared;
    },
  };
}
