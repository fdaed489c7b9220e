import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { prepareImage } from './prepare-image.ts';

const EDGE = 128;

/** All shades of red and green against each other, blue the opposite of red. */
function colours() {
  const pixels = Buffer.alloc(EDGE * EDGE * 3);
  for (let n = 0; n < EDGE * EDGE; n += 1)
    pixels.set([(n % EDGE) * 2, Math.floor(n / EDGE) * 2, 254 - (n % EDGE) * 2], n * 3);
  return sharp(pixels, { raw: { width: EDGE, height: EDGE, channels: 3 } });
}

/** The colours as a viewer that honours profiles shows them. */
const shown = (bytes: Buffer) => sharp(bytes).removeAlpha().toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer();

/** Mean distance of the colours shown, ΔE of 1976. */
async function meanDistance(one: Buffer, other: Buffer): Promise<number> {
  const raw = { raw: { width: EDGE, height: EDGE, channels: 3 as const } };
  const toLab = async (rgb: Buffer) => {
    const { buffer, byteOffset } = await sharp(rgb, raw).toColourspace('lab').raw({ depth: 'float' }).toBuffer();
    return new Float32Array(buffer.slice(byteOffset, byteOffset + EDGE * EDGE * 12));
  };
  const [a, b] = [await toLab(await shown(one)), await toLab(await shown(other))];
  let sum = 0;
  for (let n = 0; n < a.length; n += 3) {
    sum += Math.hypot(...[0, 1, 2].map((channel) => (a[n + channel] ?? 0) - (b[n + channel] ?? 0)));
  }
  return sum / (EDGE * EDGE);
}

describe('16 bits a sample', () => {
  for (const profile of ['srgb', 'p3']) {
    for (const [name, options] of Object.entries({
      'sent as it is': { compress: false, hd: false, viewOnce: false },
      compressed: { compress: true, hd: false, viewOnce: false },
    })) {
      it(`a PNG with the profile ${profile}, ${name}, keeps its colours`, async () => {
        const shallow = await colours().withIccProfile(profile).png().toBuffer();
        const deep = await colours().toColourspace('rgb16').withIccProfile(profile).png().toBuffer();
        const { depth, icc } = await sharp(deep).metadata();
        assert.ok(depth === 'ushort' && icc !== undefined);
        const prepared = await prepareImage(deep, options);
        const most = prepared.mimetype === 'image/png' ? 0.8 : 2;
        const distance = await meanDistance(prepared.bytes, shallow);
        assert.ok(distance < most, `ΔE ${distance.toFixed(2)}`);
      });
    }
  }
});
