import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { jpegSegment, quarters, rawPixels } from '../sample-images.ts';
import { toPngChunk } from './png-chunks.ts';
import { prepareImage } from './prepare-image.ts';
import { createSmallProfile } from './small-profile.ts';

const AS_IS = { compress: false, hd: false, viewOnce: false };
const picture = await quarters(320, 200);
const jpeg = await picture.clone().jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
const png = await picture.clone().png().toBuffer();
const SECRET = 'Somebody lives in Privet Drive 4';

const iccPart = (number: number, count: number, content: Buffer) =>
  jpegSegment(0xe2, Buffer.concat([Buffer.from('ICC_PROFILE\0'), Buffer.from([number, count]), content]));
const withSegments = (...segments: Buffer[]) => Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
const iccp = (profile: Buffer) =>
  toPngChunk('iCCP', Buffer.concat([Buffer.from(`${SECRET}\0\0`), deflateSync(profile)]));
/** Right behind the header chunk. */
const withChunk = (...chunks: Buffer[]) => Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);

/** A profile with something in it that nobody needs. */
function withSecret(profile: Buffer): Buffer {
  const secret = Buffer.concat([profile, Buffer.from(SECRET)]);
  secret.writeUInt32BE(secret.byteLength, 0);
  return secret;
}

/** A profile of colours that no space in use has: red and blue are swapped. */
function oddProfile(): Buffer {
  const profile = createSmallProfile('Display P3');
  profile.write('bXYZ', 132 + 12 * 3, 'latin1');
  profile.write('rXYZ', 132 + 12 * 5, 'latin1');
  return withSecret(profile);
}

/** The colours as a viewer that honours profiles shows them. */
const shown = (bytes: Buffer) => sharp(bytes).removeAlpha().toColourspace('srgb').raw().toBuffer();

async function assertShownAs(bytes: Buffer, expected: Buffer, most: number): Promise<void> {
  const [one, other] = [await shown(bytes), await shown(expected)];
  const worst = one.reduce((found, value, index) => Math.max(found, Math.abs(value - (other[index] ?? 999))), 0);
  assert.ok(worst <= most, `differs by ${worst}`);
}

describe('a colour profile', () => {
  for (const space of ['Display P3', 'Adobe RGB'] as const) {
    it(`of ${space} is replaced by a small one of the same colours, the pixels untouched`, async () => {
      const profile = space === 'Display P3' ? await sharpsProfile('p3') : createSmallProfile(space);
      for (const tagged of [withSegments(iccPart(1, 1, withSecret(profile))), withChunk(iccp(withSecret(profile)))]) {
        const { bytes, notes } = await prepareImage(tagged, AS_IS);
        assert.deepEqual(notes, []);
        assert.deepEqual(await rawPixels(bytes), await rawPixels(tagged));
        assert.deepEqual((await sharp(bytes).metadata()).icc, createSmallProfile(space));
        assert.ok(!bytes.includes(SECRET));
        await assertShownAs(bytes, tagged, 3);
      }
    });
  }

  it('of sRGB goes: without one the colours are the same', async () => {
    for (const profile of [await sharpsProfile('srgb'), createSmallProfile('sRGB')]) {
      for (const tagged of [withSegments(iccPart(1, 1, profile)), withChunk(iccp(profile))]) {
        const { bytes, notes } = await prepareImage(tagged, AS_IS);
        assert.deepEqual([notes, (await sharp(bytes).metadata()).icc], [[], undefined]);
        assert.deepEqual(await rawPixels(bytes), await rawPixels(tagged));
      }
    }
  });

  it('of other colours is applied, and goes', async () => {
    const [odd, oddPng] = [withSegments(iccPart(1, 1, oddProfile())), withChunk(iccp(oddProfile()))];
    for (const [tagged, most] of [
      [odd, 12],
      [oddPng, 2],
    ] as const) {
      const { bytes, notes } = await prepareImage(tagged, AS_IS);
      assert.deepEqual(notes, ['re-encoded', 'converted to sRGB']);
      assert.equal((await sharp(bytes).metadata()).icc, undefined);
      await assertShownAs(bytes, tagged, most);
      assert.ok(!bytes.includes(SECRET));
    }
  });

  it('in parts, in any order, is one; a part without the others is none', async () => {
    const p3 = await sharpsProfile('p3');
    const split = withSegments(iccPart(2, 2, p3.subarray(100)), iccPart(1, 2, p3.subarray(0, 100)));
    assert.deepEqual(
      (await sharp((await prepareImage(split, AS_IS)).bytes).metadata()).icc,
      createSmallProfile('Display P3'),
    );
    const { bytes, notes } = await prepareImage(withSegments(iccPart(1, 2, p3)), AS_IS);
    assert.deepEqual([notes, (await sharp(bytes).metadata()).icc], [[], undefined]);
  });

  it('that is a bomb, or no profile, goes', async () => {
    const bomb = iccp(Buffer.alloc(64 * 2 ** 20));
    assert.ok(bomb.byteLength < 100_000);
    for (const tagged of [
      withChunk(bomb),
      withChunk(iccp(Buffer.from(SECRET))),
      withSegments(iccPart(1, 1, Buffer.from(SECRET))),
    ]) {
      const { bytes, notes } = await prepareImage(tagged, AS_IS);
      assert.deepEqual([notes, bytes.includes('iCCP'), bytes.includes(SECRET)], [[], false, false]);
    }
  });

  it('hides nothing in chunks that say something else of the colours', async () => {
    const { bytes } = await prepareImage(withChunk(toPngChunk('sBIT', Buffer.from(SECRET))), AS_IS);
    assert.ok(!bytes.includes(SECRET));
  });
});

async function sharpsProfile(name: string): Promise<Buffer> {
  const { icc } = await sharp(await picture.clone().withIccProfile(name).png().toBuffer()).metadata();
  assert.ok(icc);
  return icc;
}
