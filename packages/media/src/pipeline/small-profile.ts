import { deflateSync } from 'node:zlib';
import { RGB_SPACES } from './known-colours.ts';

/** The white of the profile connection space, D50. */
const WHITE = [0.9642, 1, 0.82491] as const;
/** The curve of sRGB as a parametric curve of type 3: g, a, b, c, d (ICC.1:2022, 10.18). */
const SRGB_CURVE = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045];

/** A profile of this space in some 400 bytes, always the same ones. */
export function createSmallProfile(space: keyof typeof RGB_SPACES): Buffer {
  const { primaries } = RGB_SPACES[space];
  const curve = space === 'Adobe RGB' ? toParametric(0, [2.199_218_75]) : toParametric(3, SRGB_CURVE);
  const [red, green, blue] = primaries;
  const tags: [string, Buffer][] = [
    ['desc', toText(space)],
    ['cprt', toText('CC0')],
    ['wtpt', toXyzTag(WHITE)],
    ['rXYZ', toXyzTag(red)],
    ['gXYZ', toXyzTag(green)],
    ['bXYZ', toXyzTag(blue)],
    ['rTRC', curve],
    ['gTRC', curve],
    ['bTRC', curve],
  ];
  return assemble(tags);
}

/** The same as the chunk that a PNG has for it. */
export function toIccpData(profile: Buffer): Buffer {
  return Buffer.concat([Buffer.from('icc\0\0', 'latin1'), deflateSync(profile, { level: 9 })]);
}

function assemble(tags: [string, Buffer][]): Buffer {
  const header = Buffer.alloc(132 + 12 * tags.length);
  const contents: Buffer[] = [];
  const offsets = new Map<Buffer, number>();
  let end = header.byteLength;
  for (const [index, [name, content]] of tags.entries()) {
    if (!offsets.has(content)) {
      offsets.set(content, end);
      contents.push(content);
      end += content.byteLength;
    }
    header.write(name, 132 + 12 * index, 'latin1');
    header.writeUInt32BE(offsets.get(content) ?? 0, 136 + 12 * index);
    header.writeUInt32BE(content.byteLength, 140 + 12 * index);
  }
  header.writeUInt32BE(end, 0);
  header.writeUInt32BE(0x04_30_00_00, 8); // version 4.3
  header.write('mntrRGB XYZ ', 12, 'latin1');
  header.write('acsp', 36, 'latin1');
  toXyzTag(WHITE).copy(header, 68, 8);
  header.writeUInt32BE(tags.length, 128);
  return Buffer.concat([header, ...contents]);
}

/** Multilocalised text in English (10.15). */
function toText(text: string): Buffer {
  const tag = Buffer.alloc(28 + 2 * text.length + ((2 * text.length) % 4));
  tag.write('mluc', 0, 'latin1');
  tag.writeUInt32BE(1, 8);
  tag.writeUInt32BE(12, 12);
  tag.write('enUS', 16, 'latin1');
  tag.writeUInt32BE(2 * text.length, 20);
  tag.writeUInt32BE(28, 24);
  Buffer.from(text, 'utf16le').swap16().copy(tag, 28);
  return tag;
}

function toXyzTag(xyz: readonly number[]): Buffer {
  return toNumbers('XYZ ', 8, xyz);
}

function toParametric(type: number, parameters: readonly number[]): Buffer {
  const tag = toNumbers('para', 12, parameters);
  tag.writeUInt16BE(type, 8);
  return tag;
}

function toNumbers(type: string, from: number, numbers: readonly number[]): Buffer {
  const tag = Buffer.alloc(from + 4 * numbers.length);
  tag.write(type, 0, 'latin1');
  for (const [index, number] of numbers.entries()) tag.writeInt32BE(Math.round(number * 65_536), from + 4 * index);
  return tag;
}
