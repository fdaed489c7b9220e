import sharp, { type Sharp } from 'sharp';

/** Pictures for tests: every quarter has a colour of its own, so that turning and mirroring show. */
export const QUARTER_COLOURS = {
  topLeft: '#d03020',
  topRight: '#20a040',
  bottomLeft: '#2040c0',
  bottomRight: '#e0c020',
};

/** A picture with four coloured quarters over fine noise, which lossy coding cannot keep small. */
export async function quarters(width: number, height: number): Promise<Sharp> {
  const [halfWidth, halfHeight] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const quarter = (background: string, left: number, top: number) => ({
    input: { create: { width: halfWidth, height: halfHeight, channels: 3 as const, background } },
    left,
    top,
  });
  const flat = sharp({ create: { width: halfWidth * 2, height: halfHeight * 2, channels: 3, background: '#000' } });
  const composed = await flat
    .composite([
      quarter(QUARTER_COLOURS.topLeft, 0, 0),
      quarter(QUARTER_COLOURS.topRight, halfWidth, 0),
      quarter(QUARTER_COLOURS.bottomLeft, 0, halfHeight),
      quarter(QUARTER_COLOURS.bottomRight, halfWidth, halfHeight),
    ])
    .png()
    .toBuffer();
  return sharp(composed).removeAlpha().extract({ left: 0, top: 0, width, height });
}

/** Gaussian noise: the least compressible of pictures. */
export function noise(width: number, height: number): Sharp {
  const gaussian = { type: 'gaussian' as const, mean: 128, sigma: 40 };
  return sharp({ create: { width, height, channels: 3, background: '#000', noise: gaussian } });
}

/** One colour: the most compressible of pictures. */
export function plain(width: number, height: number): Sharp {
  return sharp({ create: { width, height, channels: 3, background: '#3060a0' } });
}

/** Decoded pixels as they are coded: not turned, no profile applied. */
export async function rawPixels(
  bytes: Buffer,
): Promise<{ data: Buffer; width: number; height: number; channels: number }> {
  const { data, info } = await sharp(bytes, { ignoreIcc: true, failOn: 'error' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** The mean colour around a point given in fractions of the width and height. */
export async function colourAt(bytes: Buffer, x: number, y: number): Promise<[number, number, number]> {
  const { width, height } = await sharp(bytes).metadata();
  const left = Math.min(width - 4, Math.max(0, Math.round(width * x) - 2));
  const top = Math.min(height - 4, Math.max(0, Math.round(height * y) - 2));
  const patch = sharp(bytes).extract({ left, top, width: 4, height: 4 }).removeAlpha().toColourspace('srgb');
  const [red, green, blue] = await patch.raw().toBuffer().then(meanColour);
  return [red ?? -1, green ?? -1, blue ?? -1];
}

function meanColour(rgb: Buffer): number[] {
  return [0, 1, 2].map((channel) => {
    const values = rgb.filter((_, index) => index % 3 === channel);
    return values.reduce((sum, value) => sum + value, 0) / values.byteLength;
  });
}

/** A JPEG segment: marker code and payload. */
export function jpegSegment(code: number, payload: Buffer | string): Buffer {
  const body = Buffer.from(payload as string, 'latin1');
  const head = Buffer.from([0xff, code, 0, 0]);
  head.writeUInt16BE(body.byteLength + 2, 2);
  return Buffer.concat([head, body]);
}
