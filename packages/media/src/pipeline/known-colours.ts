import { readTags, toCurve, toXyz } from './icc-tags.ts';

/** Colour spaces that every phone knows, or that a few bytes describe. `grey` is a grey with the curve of sRGB. */
export type KnownColours = 'sRGB' | 'Display P3' | 'Adobe RGB' | 'grey';
type Xyz = readonly [number, number, number];

/** Red, green and blue of the RGB spaces as profiles have them, adapted to D50; and their curves. */
export const RGB_SPACES: Record<
  Exclude<KnownColours, 'grey'>,
  { primaries: readonly [Xyz, Xyz, Xyz]; curve: (value: number) => number }
> = {
  sRGB: {
    primaries: [
      [0.43607, 0.22249, 0.01392],
      [0.38515, 0.71687, 0.09708],
      [0.14307, 0.06061, 0.7141],
    ],
    curve: toLinear,
  },
  'Display P3': {
    primaries: [
      [0.51512, 0.2412, -0.00105],
      [0.29198, 0.69225, 0.04189],
      [0.1571, 0.06657, 0.78407],
    ],
    curve: toLinear,
  },
  'Adobe RGB': {
    primaries: [
      [0.60974, 0.31111, 0.01947],
      [0.20528, 0.62567, 0.06087],
      [0.14919, 0.06322, 0.74457],
    ],
    curve: (value) => value ** 2.199_218_75,
  },
};

/** Far below what anybody sees, and above the rounding of the many profiles of one space. */
const SAME_PRIMARY = 0.004;
const SAME_CURVE = 0.012;
const SAMPLES = [0.1, 0.25, 0.4, 0.55, 0.7, 0.85];
const LOOK_UP_TABLES = ['A2B0', 'A2B1', 'A2B2'];

/** Which space an ICC profile describes by primaries and curves; `odd` when by none of these, `none` when it is no profile. */
export function recogniseColours(profile: Buffer): KnownColours | 'odd' | 'none' {
  const tags = readTags(profile);
  if (!tags) return 'none';
  const space = profile.toString('latin1', 16, 20);
  if (LOOK_UP_TABLES.some((name) => tags.has(name))) return 'odd';
  if (space === 'GRAY') return isCurve(tags.get('kTRC'), toLinear) ? 'grey' : 'odd';
  if (space !== 'RGB ') return 'odd';
  const primaries = ['rXYZ', 'gXYZ', 'bXYZ'].map((name) => toXyz(tags.get(name)));
  for (const [name, known] of Object.entries(RGB_SPACES)) {
    const isSame = known.primaries.every((xyz, index) => isNear(xyz, primaries[index]));
    const hasCurves = ['rTRC', 'gTRC', 'bTRC'].every((tag) => isCurve(tags.get(tag), known.curve));
    if (isSame && hasCurves) return name as KnownColours;
  }
  return 'odd';
}

function isNear(one: Xyz, other: readonly number[] | undefined): boolean {
  return other !== undefined && one.every((value, index) => Math.abs(value - (other[index] ?? 9)) < SAME_PRIMARY);
}

function isCurve(tag: Buffer | undefined, expected: (value: number) => number): boolean {
  const curve = toCurve(tag);
  return curve !== undefined && SAMPLES.every((value) => Math.abs(curve(value) - expected(value)) < SAME_CURVE);
}

function toLinear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}
