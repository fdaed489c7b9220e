/** The tags of an ICC profile (ICC.1:2022, 7.3) by their names; undefined when it is none. */
export function readTags(profile: Buffer): Map<string, Buffer> | undefined {
  const length = profile.byteLength < 132 ? 0 : profile.readUInt32BE(0);
  if (length < 132 || length > profile.byteLength || profile.toString('latin1', 36, 40) !== 'acsp') return undefined;
  const count = profile.readUInt32BE(128);
  if (132 + 12 * count > length) return undefined;
  const tags = new Map<string, Buffer>();
  for (let at = 132; at < 132 + 12 * count; at += 12) {
    const offset = profile.readUInt32BE(at + 4);
    tags.set(profile.toString('latin1', at, at + 4), profile.subarray(offset, offset + profile.readUInt32BE(at + 8)));
  }
  return tags;
}

/** A tag of type XYZ (10.31). */
export function toXyz(tag: Buffer | undefined): readonly [number, number, number] | undefined {
  if (!tag || tag.byteLength < 20 || tag.toString('latin1', 0, 4) !== 'XYZ ') return undefined;
  return [toFixed(tag, 8), toFixed(tag, 12), toFixed(tag, 16)];
}

/** A tag of type curve or parametric curve (10.6, 10.18) as the function that it is, of 0 to 1. */
export function toCurve(tag: Buffer | undefined): ((value: number) => number) | undefined {
  if (!tag || tag.byteLength < 12) return undefined;
  switch (tag.toString('latin1', 0, 4)) {
    case 'curv':
      return toTableCurve(tag);
    case 'para':
      return toParametricCurve(tag);
    default:
      return undefined;
  }
}

function toTableCurve(tag: Buffer): ((value: number) => number) | undefined {
  const count = tag.readUInt32BE(8);
  if (12 + 2 * count > tag.byteLength) return undefined;
  if (count === 0) return (value) => value;
  if (count === 1) return (value) => value ** (tag.readUInt16BE(12) / 256);
  return (value) => tag.readUInt16BE(12 + 2 * Math.round(value * (count - 1))) / 65_535;
}

/** How many parameters each type of function has. */
const PARAMETERS = [1, 3, 4, 5, 7];

function toParametricCurve(tag: Buffer): ((value: number) => number) | undefined {
  const type = tag.readUInt16BE(8);
  const count = PARAMETERS[type];
  if (count === undefined || 12 + 4 * count > tag.byteLength) return undefined;
  const [g = 1, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = Array.from({ length: count }, (_, n) =>
    toFixed(tag, 12 + 4 * n),
  );
  const power = (value: number) => Math.max(0, a * value + b) ** g;
  if (type === 0) return (value) => value ** g;
  if (type === 1) return (value) => (value >= -b / a ? power(value) : 0);
  if (type === 2) return (value) => (value >= -b / a ? power(value) + c : c);
  return (value) => (value >= d ? power(value) + e : c * value + f);
}

/** A signed number with 16 bits before and 16 bits behind its point. */
function toFixed(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) / 65_536;
}
