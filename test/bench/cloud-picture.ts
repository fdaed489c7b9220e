import { randomBytes } from 'node:crypto';
import sharp from 'sharp';

const CHANNELS = 3;
/** How much weaker each finer layer is. Photographs have amplitudes of 1/f, which is a half for each octave. */
const FALL = 0.55;
/** No layer is weaker, as in a camera, whose sensor adds noise. */
const FLOOR = 0.05;

/**
 * A JPEG of this size and a little less than that many bytes, whose structure is that of a photograph: coarse shapes and
 * fine ones, each octave weaker than the one before. So its thumbnail is a picture too, of 1 to 2 KB.
 */
export async function createCloudPicture(width: number, height: number, maxBytes: number): Promise<Buffer> {
  const pixels = await addLayers(width, height);
  const encode = (quality: number) =>
    sharp(pixels, { raw: { width, height, channels: CHANNELS } })
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

async function addLayers(width: number, height: number): Promise<Buffer> {
  const sum = new Float32Array(width * height * CHANNELS);
  let weight = 1;
  for (let cells = 4; cells < width; cells *= 2, weight = Math.max(FLOOR, weight * FALL)) {
    const layer = await createLayer(cells, width, height);
    for (let index = 0; index < sum.length; index += 1)
      sum[index] = (sum[index] ?? 0) + weight * ((layer[index] ?? 0) - 128);
  }
  return Buffer.from(Uint8ClampedArray.from(sum, (value) => 128 + value).buffer);
}

/** Random colours in cells, blown up smoothly. */
function createLayer(cells: number, width: number, height: number): Promise<Buffer> {
  const rows = Math.max(2, Math.round((cells * height) / width));
  return sharp(randomBytes(cells * rows * CHANNELS), { raw: { width: cells, height: rows, channels: CHANNELS } })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer();
}
