import sharp from 'sharp';

/** A JPEG of noise, of this size and a little less than that many bytes. */
export async function createNoise(width: number, height: number, maxBytes: number): Promise<Buffer> {
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 12 };
  const pixels = await sharp({ create: { width, height, channels: 3, background: '#000', noise } })
    .raw()
    .toBuffer();
  const encode = (quality: number) =>
    sharp(pixels, { raw: { width, height, channels: 3 } })
      .jpeg({ quality })
      .toBuffer();
  let [low, high] = [1, 100];
  let best = await encode(low);
  while (low < high - 1) {
    const quality = Math.floor((low + high) / 2);
    const jpeg = await encode(quality);
    if (jpeg.length <= maxBytes) [low, best] = [quality, jpeg];
    else high = quality;
  }
  return best;
}

/**
 * The same picture with other pixels, at the cost of a copy: the number goes into the last factors of the first
 * quantisation table, so that no two are equal, also after metadata is removed.
 */
export function numberPicture(jpeg: Buffer, number: number): Buffer {
  const table = jpeg.indexOf(Buffer.of(0xff, 0xdb));
  const last = table + 4 + 64;
  const numbered = Buffer.from(jpeg);
  for (let digit = 0, rest = number; digit < 4; digit += 1, rest = Math.floor(rest / 200)) {
    numbered[last - digit] = 20 + (rest % 200);
  }
  return numbered;
}
