import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it, test } from 'node:test';
import { Failure } from '@postern/contract';
import sharp from 'sharp';
import { losslessWebpHeader } from '../inspect/sample-headers.ts';
import { noise, quarters } from '../sample-images.ts';
import { prepareImage } from './prepare-image.ts';

const AS_IS = { compress: false, hd: false, viewOnce: false };
const COMPRESS = { ...AS_IS, compress: true };
const HD = { ...AS_IS, hd: true };

describe('compress and hd', () => {
  it('shrink the long edge and the bytes, hd less than compress and before it', async () => {
    const photo = await noise(3000, 2000).blur(1).jpeg({ quality: 95 }).toBuffer();
    const compressed = await prepareImage(photo, COMPRESS);
    const hd = await prepareImage(photo, { ...COMPRESS, hd: true });
    assert.deepEqual([compressed.width, compressed.height], [1600, 1067]);
    assert.deepEqual([hd.width, hd.height], [2560, 1707]);
    assert.ok(compressed.bytes.byteLength < hd.bytes.byteLength && hd.bytes.byteLength < photo.byteLength);
    assert.ok(compressed.reencoded && hd.reencoded);
    const tall = await prepareImage(await noise(500, 3000).jpeg().toBuffer(), COMPRESS);
    assert.deepEqual([tall.width, tall.height], [267, 1600]);
  });

  it('never enlarge a picture', async () => {
    const small = await noise(300, 200).png().toBuffer();
    for (const options of [COMPRESS, HD]) {
      const { width, height, mimetype } = await prepareImage(small, options);
      assert.deepEqual([width, height, mimetype], [300, 200, 'image/jpeg']);
    }
  });

  it('keep the picture as it is when they would not make it smaller', async () => {
    const tiny = await (await quarters(400, 400)).png({ palette: true }).toBuffer();
    const lean = await noise(800, 600).jpeg({ quality: 15 }).toBuffer();
    for (const options of [COMPRESS, HD]) {
      assert.deepEqual(
        [(await prepareImage(tiny, options)).mimetype, (await prepareImage(tiny, options)).reencoded],
        ['image/png', false],
      );
      assert.equal((await prepareImage(lean, options)).reencoded, false);
    }
  });

  it('put transparency on white', async () => {
    const clear = await noise(600, 400).ensureAlpha(0).png().toBuffer();
    const prepared = await prepareImage(clear, COMPRESS);
    const { dominant, channels } = await sharp(prepared.bytes).stats();
    assert.equal(prepared.mimetype, 'image/jpeg');
    assert.ok(dominant.r > 240 && channels.every(({ mean }) => mean === 255));
  });
});

describe('thumbnails', () => {
  it('are real, small JPEGs in the picture’s proportions, whatever the option', async () => {
    for (const options of [AS_IS, COMPRESS, HD]) {
      const { thumbnail } = await prepareImage(await noise(1200, 400).jpeg().toBuffer(), options);
      const { format, width, height } = await sharp(thumbnail).metadata();
      assert.deepEqual([format, width, height], ['jpeg', 96, 32]);
      assert.ok(thumbnail.byteLength < 6000, `${thumbnail.byteLength} bytes`);
    }
  });

  it('of extreme pictures have at least one pixel an edge', async () => {
    const { thumbnail } = await prepareImage(await noise(16_000, 48).jpeg().toBuffer(), AS_IS);
    assert.deepEqual(
      await sharp(thumbnail)
        .metadata()
        .then(({ width, height }) => [width, height]),
      [96, 1],
    );
  });

  it('of view-once images show nothing', async () => {
    const first = await prepareImage(await (await quarters(400, 300)).jpeg().toBuffer(), { ...AS_IS, viewOnce: true });
    const second = await prepareImage(await noise(400, 300).jpeg().toBuffer(), { ...AS_IS, viewOnce: true });
    assert.deepEqual(first.thumbnail, second.thumbnail);
    const { channels } = await sharp(first.thumbnail).stats();
    assert.ok(channels.every(({ stdev }) => stdev === 0));
    const { width, height } = await sharp(first.thumbnail).metadata();
    assert.deepEqual([width, height], [96, 72]);
  });
});

test('the description is of the bytes that are sent', async () => {
  const sample = await noise(640, 480)
    .withExif({ IFD0: { Artist: 'Somebody' } })
    .jpeg()
    .toBuffer();
  const prepared = await prepareImage(sample, AS_IS);
  assert.equal(prepared.sha256, createHash('sha256').update(prepared.bytes).digest('hex'));
  assert.deepEqual([prepared.width, prepared.height, prepared.mimetype], [640, 480, 'image/jpeg']);
});

describe('images that cannot be decoded', () => {
  const undecodable = (error: unknown) => {
    assert.ok(error instanceof Failure);
    assert.deepEqual([error.code, error.retryable], ['IMAGE_PROCESSING_FAILED', false]);
    assert.match(
      error.message,
      /^The image cannot be decoded: (it is damaged or cut off|it claims 16000×16000 pixels in \d+ bytes)$/,
    );
    return true;
  };

  it('because they are cut off are refused, in every format and with every option', async () => {
    const picture = noise(300, 200);
    for (const [format, bytes] of [
      ['jpeg', await picture.clone().jpeg().toBuffer()],
      ['progressive jpeg', await picture.clone().jpeg({ progressive: true }).toBuffer()],
      ['png', await picture.clone().png().toBuffer()],
      ['gif', await picture.clone().gif().toBuffer()],
      ['webp', await picture.clone().webp().toBuffer()],
      ['lossless webp', await picture.clone().webp({ lossless: true }).toBuffer()],
    ] as const) {
      for (const part of [0.3, 0.9, 0.999]) {
        const cut = bytes.subarray(0, Math.floor(bytes.byteLength * part));
        for (const options of [AS_IS, COMPRESS, { ...AS_IS, viewOnce: true }]) {
          await assert.rejects(prepareImage(cut, options), undecodable, `${format} cut at ${part}`);
        }
      }
      if (format.endsWith('jpeg')) await assert.rejects(prepareImage(bytes.subarray(0, -2), AS_IS), undecodable);
    }
  });

  it('because bytes in the middle are damaged are refused where the format can tell', async () => {
    for (const bytes of [await noise(300, 200).png().toBuffer(), await noise(300, 200).gif().toBuffer()]) {
      const middle = Math.floor(bytes.byteLength / 2);
      bytes.fill(0x55, middle, middle + 200);
      await assert.rejects(prepareImage(bytes, AS_IS), undecodable);
    }
  });

  it('because they are a header only are refused cheaply', async () => {
    const bomb = losslessWebpHeader(16_000, 16_000);
    assert.equal(bomb.byteLength, 38);
    const startMs = performance.now();
    const startRss = process.memoryUsage.rss();
    await assert.rejects(prepareImage(bomb, AS_IS), undecodable);
    assert.ok(performance.now() - startMs < 500);
    assert.ok(process.memoryUsage.rss() - startRss < 50e6);
  });

  it('because a progressive JPEG repeats its scans without end are refused', async () => {
    const jpeg = await noise(2000, 2000).jpeg({ progressive: true, quality: 10 }).toBuffer();
    const lastScan = jpeg.subarray(jpeg.lastIndexOf(Buffer.from([0xff, 0xda])), -2);
    const scans = Array.from({ length: 600 }, () => lastScan.subarray(0, 200));
    const bomb = Buffer.concat([jpeg.subarray(0, -2), ...scans, jpeg.subarray(-2)]);
    await assert.rejects(prepareImage(bomb, AS_IS), undecodable);
  });

  it('because they break a rule of the header are refused as that', async () => {
    await assert.rejects(
      prepareImage(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), AS_IS),
      /image: .*got an SVG/,
    );
    await assert.rejects(prepareImage(await noise(47, 48).png().toBuffer(), AS_IS), /47×48/);
  });
});
