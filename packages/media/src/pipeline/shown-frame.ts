import type { ImageMimeType } from '@postern/contract';
import { encode } from './image-library.ts';

/** Frames that are looked at; each costs what those before it do. */
const MAX_FRAMES = 10;
/** An edge of the copy that is looked at, in pixels, and the shades that dithering may make of one colour. */
const EDGE = 256;
const SAME_SHADES = 2;
const STEP_TIMEOUT_MS = 10_000;

/** The first of the frames that shows something: many animations begin with an empty one. The very first, if none does. */
export async function chooseFrame(bytes: Buffer, mimetype: ImageMimeType, frames: number): Promise<number> {
  for (let frame = 0; frame < Math.min(frames, MAX_FRAMES); frame += 1) {
    if (!(await isBlank(bytes, mimetype, frame))) return frame;
  }
  return 0;
}

/** Whether it is all of one colour, on white. */
async function isBlank(bytes: Buffer, mimetype: ImageMimeType, frame: number): Promise<boolean> {
  const small = await encode(
    { bytes, frame, mimetype },
    (upright) =>
      upright
        .resize({ width: EDGE, height: EDGE, fit: 'inside', withoutEnlargement: true })
        .flatten({ background: '#ffffff' })
        .toColourspace('srgb')
        .raw(),
    STEP_TIMEOUT_MS,
  );
  const [least, most] = [
    [255, 255, 255],
    [0, 0, 0],
  ];
  for (let at = 0; at < small.bytes.byteLength; at += 1) {
    const channel = at % 3;
    const shade = small.bytes[at] ?? 0;
    if (shade < (least[channel] ?? 0)) least[channel] = shade;
    if (shade > (most[channel] ?? 0)) most[channel] = shade;
  }
  return most.every((shade, channel) => shade - (least[channel] ?? 0) <= SAME_SHADES);
}
