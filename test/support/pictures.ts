import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ReceivedMessage } from '@postern/simulator';
import sharp, { type Sharp } from 'sharp';

/** Each quarter has a colour of its own, so that turning, mirroring and cropping show. */
const QUARTERS = { topLeft: '#d03020', topRight: '#20a040', bottomLeft: '#2040c0', bottomRight: '#e0c020' };

/** A picture of four coloured quarters. */
export function quarters(width = 640, height = 480): Sharp {
  const [halfWidth, halfHeight] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const block = (colour: string, x: number, y: number) =>
    `<rect x="${x}" y="${y}" width="${halfWidth}" height="${halfHeight}" fill="${colour}"/>`;
  const { topLeft, topRight, bottomLeft, bottomRight } = QUARTERS;
  const blocks = [
    block(topLeft, 0, 0),
    block(topRight, halfWidth, 0),
    block(bottomLeft, 0, halfHeight),
    block(bottomRight, halfWidth, halfHeight),
  ];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${blocks.join('')}</svg>`;
  return sharp(Buffer.from(svg)).removeAlpha();
}

/** A plain picture as most are sent: a JPEG without metadata. */
export function photo(width?: number, height?: number): Promise<Buffer> {
  return quarters(width, height).jpeg({ quality: 90 }).toBuffer();
}

/** A JPEG that lossy coding cannot keep small. */
export function noisyPhoto(width: number, height: number): Promise<Buffer> {
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 40 };
  return sharp({ create: { width, height, channels: 3, background: '#000', noise } })
    .jpeg({ quality: 92 })
    .toBuffer();
}

/** Puts comment segments behind the start of a JPEG until it has exactly this many bytes. */
export function padJpeg(jpeg: Buffer, bytes: number): Buffer {
  const padding: Buffer[] = [];
  for (let left = bytes - jpeg.length; left > 0; ) {
    // A segment takes 4 to 65,537 bytes; the last two must leave room for each other.
    const size = left > 65_537 ? Math.min(65_537, left - 4) : left;
    const segment = Buffer.alloc(size);
    segment.writeUInt16BE(0xfffe, 0);
    segment.writeUInt16BE(size - 2, 2);
    padding.push(segment);
    left -= size;
  }
  return Buffer.concat([jpeg.subarray(0, 2), ...padding, jpeg.subarray(2)]);
}

export function sha256(bytes: Buffer | undefined): string {
  return createHash('sha256')
    .update(bytes ?? '')
    .digest('hex');
}

/** The decoded picture that a phone shows; what the message states of it must be true. */
export async function assertShown(
  received: ReceivedMessage,
  expected: { width: number; height: number; mimetype: string },
): Promise<Buffer> {
  assert.equal(received.error, undefined);
  const bytes = received.bytes ?? Buffer.alloc(0);
  const { width, height, format } = await sharp(bytes).metadata();
  assert.deepEqual({ width, height, mimetype: `image/${format}` }, expected, 'the picture itself');
  const { width: statedWidth, height: statedHeight, mimetype } = received;
  assert.deepEqual({ width: statedWidth, height: statedHeight, mimetype }, expected, 'what the message states');
  assert.equal(received.fileLength, bytes.length);
  assert.equal(received.sha256, sha256(bytes));
  return bytes;
}

/** The picture shows the quarters, upright. `tolerance` is per channel, 0 to 255. */
export async function assertQuarters(bytes: Buffer | undefined, tolerance = 24): Promise<void> {
  const places = { topLeft: [0.25, 0.25], topRight: [0.75, 0.25], bottomLeft: [0.25, 0.75], bottomRight: [0.75, 0.75] };
  for (const [name, [x = 0, y = 0]] of Object.entries(places)) {
    const expected = QUARTERS[name as keyof typeof QUARTERS];
    const actual = await colourAt(bytes ?? Buffer.alloc(0), x, y);
    const wanted = [1, 3, 5].map((at) => Number.parseInt(expected.slice(at, at + 2), 16));
    const far = wanted.some((value, channel) => Math.abs(value - (actual[channel] ?? -999)) > tolerance);
    assert.ok(!far, `${name} is ${actual.join()}, expected ${wanted.join()}`);
  }
}

/** Red, green and blue of one pixel, its place given in fractions of the width and height. */
export async function colourAt(bytes: Buffer, x: number, y: number): Promise<number[]> {
  const { data, info } = await sharp(bytes)
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const start = (Math.floor(info.height * y) * info.width + Math.floor(info.width * x)) * info.channels;
  return [...data.subarray(start, start + 3)];
}
