import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { colourAt, QUARTER_COLOURS, quarters } from '../sample-images.ts';
import { type PreparedImage, prepareImage } from './prepare-image.ts';

const AS_IS = { compress: false, hd: false, viewOnce: false };
const picture = await quarters(320, 200);
const { topLeft, topRight, bottomLeft, bottomRight } = QUARTER_COLOURS;
/** The corners as they are shown, row by row, by EXIF orientation (EXIF 2.32, 4.6.4, tag 0x0112). */
const SHOWN = {
  1: [topLeft, topRight, bottomLeft, bottomRight],
  2: [topRight, topLeft, bottomRight, bottomLeft],
  3: [bottomRight, bottomLeft, topRight, topLeft],
  4: [bottomLeft, bottomRight, topLeft, topRight],
  5: [topLeft, bottomLeft, topRight, bottomRight],
  6: [bottomLeft, topLeft, bottomRight, topRight],
  7: [bottomRight, topRight, bottomLeft, topLeft],
  8: [topRight, bottomRight, topLeft, bottomLeft],
} as const;

async function assertCorners(bytes: Buffer, colours: readonly string[], tolerance: number): Promise<void> {
  const places = [
    [0.25, 0.25],
    [0.75, 0.25],
    [0.25, 0.75],
    [0.75, 0.75],
  ] as const;
  for (const [index, [x, y]] of places.entries()) {
    const expected = [1, 3, 5].map((at) => Number.parseInt((colours[index] ?? '').slice(at, at + 2), 16));
    const seen = await colourAt(bytes, x, y);
    const distance = Math.max(...seen.map((value, channel) => Math.abs(value - (expected[channel] ?? 0))));
    assert.ok(distance <= tolerance, `corner ${index} is ${seen.join(' ')} instead of ${expected.join(' ')}`);
  }
}

/** The metadata of what is sent; its thumbnail shows the same corners. */
async function assertShows(prepared: PreparedImage, colours: readonly string[], tolerance = 6) {
  await assertCorners(prepared.bytes, colours, tolerance);
  await assertCorners(prepared.thumbnail, colours, Math.max(24, tolerance));
  const metadata = await sharp(prepared.bytes).metadata();
  assert.deepEqual([metadata.width, metadata.height], [prepared.width, prepared.height]);
  assert.equal(`image/${metadata.format}`, prepared.mimetype);
  assert.equal(metadata.depth, 'uchar');
  assert.deepEqual([metadata.exif, metadata.icc, metadata.xmp], [undefined, undefined, undefined]);
  return metadata;
}

describe('EXIF orientation', () => {
  for (const [orientation, colours] of Object.entries(SHOWN)) {
    it(`${orientation} is applied`, async () => {
      const turned = picture.clone().withMetadata({ orientation: Number(orientation) });
      const size = Number(orientation) >= 5 ? [200, 320] : [320, 200];
      for (const sample of [await turned.clone().jpeg().toBuffer(), await turned.clone().png().toBuffer()]) {
        const prepared = await prepareImage(sample, AS_IS);
        assert.deepEqual([prepared.width, prepared.height], size);
        assert.deepEqual(prepared.notes, orientation === '1' ? [] : ['turned', 're-encoded']);
        const { format } = await sharp(sample).metadata();
        assert.equal(prepared.mimetype, `image/${format}`);
        await assertCorners(prepared.bytes, colours, 6);
        await assertCorners(prepared.thumbnail, colours, 24);
        assert.equal((await sharp(prepared.bytes).metadata()).exif, undefined);
      }
      const webp = await prepareImage(await turned.clone().webp({ quality: 95 }).toBuffer(), AS_IS);
      assert.deepEqual([webp.width, webp.height], size);
      await assertShows(webp, colours, 12);
      const compressed = await prepareImage(await turned.clone().jpeg().toBuffer(), { ...AS_IS, compress: true });
      assert.deepEqual([compressed.width, compressed.height], size);
      await assertCorners(compressed.bytes, colours, 12);
    });
  }
});

describe('what phones cannot show as it is', () => {
  it('a CMYK JPEG becomes an sRGB JPEG', async () => {
    const cmyk = await picture.clone().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
    assert.equal((await sharp(cmyk).metadata()).channels, 4);
    const prepared = await prepareImage(cmyk, AS_IS);
    const metadata = await assertShows(prepared, SHOWN[1], 60);
    assert.deepEqual([prepared.notes.includes('re-encoded'), metadata.space, metadata.channels], [true, 'srgb', 3]);
  });

  it('a 16-bit PNG becomes an 8-bit PNG, in colour, grey and with alpha', async () => {
    const deep = await picture.clone().toColourspace('rgb16').png().toBuffer();
    assert.equal((await sharp(deep).metadata()).depth, 'ushort');
    await assertShows(await prepareImage(deep, AS_IS), SHOWN[1], 2);

    const samples = Uint16Array.from(
      { length: 64 * 64 * 4 },
      (_, index) => [60_000, 30_000, 10_000, 32_768][index % 4] ?? 0,
    );
    const raw = { raw: { width: 64, height: 64, channels: 4 as const } };
    const alpha = await sharp(samples, raw).toColourspace('rgb16').png().toBuffer();
    const prepared = await prepareImage(alpha, AS_IS);
    const metadata = await sharp(prepared.bytes).metadata();
    assert.deepEqual([metadata.format, metadata.depth, metadata.hasAlpha], ['png', 'uchar', true]);
    const pixel = await sharp(prepared.bytes).extract({ left: 5, top: 5, width: 1, height: 1 }).raw().toBuffer();
    assert.deepEqual([...pixel], [234, 117, 39, 128]);

    const grey = await picture.clone().greyscale().toColourspace('grey16').png().toBuffer();
    const greyResult = await sharp((await prepareImage(grey, AS_IS)).bytes).metadata();
    assert.deepEqual([greyResult.depth, greyResult.channels], ['uchar', 1]);
  });

  it('a profile is applied where the pixels are coded again', async () => {
    const tagged = picture.clone().withIccProfile('p3');
    for (const sample of [
      await tagged.clone().withMetadata({ orientation: 3, icc: 'p3' }).jpeg({ quality: 95 }).toBuffer(),
      await tagged.clone().webp({ quality: 95 }).toBuffer(),
    ]) {
      assert.ok((await sharp(sample).metadata()).icc, 'the sample has a profile');
      const isTurned = (await sharp(sample).metadata()).orientation === 3;
      await assertShows(await prepareImage(sample, AS_IS), isTurned ? SHOWN[3] : SHOWN[1], 14);
    }
    const compressed = await prepareImage(await tagged.clone().jpeg({ quality: 100 }).toBuffer(), {
      ...AS_IS,
      compress: true,
    });
    await assertShows(compressed, SHOWN[1], 12);
  });

  it('GIF and WebP become a JPEG of their first frame', async () => {
    const second = await sharp({ create: { width: 320, height: 200, channels: 3, background: '#000' } })
      .png()
      .toBuffer();
    const frames = [await picture.clone().png().toBuffer(), second];
    const animated = () => sharp(frames, { join: { animated: true } });
    const samples = {
      gif: await picture.clone().gif().toBuffer(),
      'animated gif': await animated().gif().toBuffer(),
      webp: await picture.clone().webp({ quality: 95 }).toBuffer(),
      'lossless webp': await picture.clone().webp({ lossless: true }).toBuffer(),
      'animated webp': await animated().webp({ quality: 95 }).toBuffer(),
    };
    for (const [name, sample] of Object.entries(samples)) {
      if (name.startsWith('animated')) assert.equal((await sharp(sample).metadata()).pages, 2);
      const prepared = await prepareImage(sample, AS_IS);
      assert.deepEqual([prepared.mimetype, prepared.width, prepared.height], ['image/jpeg', 320, 200], name);
      await assertShows(prepared, SHOWN[1], 14);
    }
  });

  it('what is transparent becomes white', async () => {
    const clear = {
      create: { width: 200, height: 200, channels: 4 as const, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    };
    for (const sample of [await sharp(clear).gif().toBuffer(), await sharp(clear).webp().toBuffer()]) {
      const prepared = await prepareImage(sample, AS_IS);
      await assertShows(prepared, ['#ffffff', '#ffffff', '#ffffff', '#ffffff'], 1);
    }
    const kept = await prepareImage(await sharp(clear).png().toBuffer(), AS_IS);
    assert.deepEqual([kept.mimetype, (await sharp(kept.bytes).metadata()).hasAlpha], ['image/png', true]);
    assert.deepEqual(await colourAt(kept.thumbnail, 0.5, 0.5), [255, 255, 255]);
  });
});
