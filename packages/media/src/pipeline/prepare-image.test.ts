import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it, test } from 'node:test';
import { Failure } from '@postern/contract';
import sharp from 'sharp';
import { jpegSegment, noise, quarters } from '../sample-images.ts';
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
    assert.ok(compressed.notes.includes('re-encoded') && hd.notes.includes('re-encoded'));
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
        [(await prepareImage(tiny, options)).mimetype, (await prepareImage(tiny, options)).notes.length > 0],
        ['image/png', false],
      );
      assert.deepEqual((await prepareImage(lean, options)).notes, []);
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
      /^The image cannot be decoded: (it is damaged or cut off|it is cut off; a part of the picture is missing|it claims 801 scans; at most 100 are decoded)$/,
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
      for (const part of [0.3, 0.9]) {
        const cut = bytes.subarray(0, Math.floor(bytes.byteLength * part));
        for (const options of [AS_IS, COMPRESS, { ...AS_IS, viewOnce: true }]) {
          await assert.rejects(prepareImage(cut, options), undecodable, `${format} cut at ${part}`);
        }
      }
    }
  });

  it('because bytes in the middle are damaged are refused where the format can tell', async () => {
    for (const bytes of [await noise(300, 200).png().toBuffer(), await noise(300, 200).gif().toBuffer()]) {
      const middle = Math.floor(bytes.byteLength / 2);
      bytes.fill(0x55, middle, middle + 200);
      await assert.rejects(prepareImage(bytes, AS_IS), undecodable);
    }
  });

  it('because a progressive JPEG passes over the picture without end are refused, EXIF or not', async () => {
    const startMs = performance.now();
    await assert.rejects(prepareImage(scanBomb(16_000, 800), AS_IS), undecodable);
    const turned = jpegSegment(
      0xe1,
      Buffer.from('Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0', 'latin1'),
    );
    const bomb = scanBomb(4000, 800);
    await assert.rejects(
      prepareImage(Buffer.concat([bomb.subarray(0, 2), turned, bomb.subarray(2)]), COMPRESS),
      undecodable,
    );
    assert.ok(performance.now() - startMs < 1000);
    assert.equal((await prepareImage(scanBomb(400, 90), AS_IS)).width, 400);
  });

  it('because they break a rule of the header are refused as that', async () => {
    await assert.rejects(
      prepareImage(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), AS_IS),
      /image: .*got an SVG/,
    );
    await assert.rejects(prepareImage(await noise(47, 48).png().toBuffer(), AS_IS), /47×48/);
  });
});

/** A valid grey progressive JPEG of empty blocks: one scan of the averages, then `scans` refining them, 40 bytes or so each. */
function scanBomb(edge: number, scans: number): Buffer {
  const blocks = Math.ceil(edge / 8) ** 2;
  const size = Buffer.from([edge >> 8, edge & 0xff]);
  const frame = jpegSegment(0xc2, Buffer.concat([Buffer.from([8]), size, size, Buffer.from([1, 1, 0x11, 0])]));
  const tableOfOneCode = (table: number, symbol: number) =>
    jpegSegment(0xc4, Buffer.from([table, 1, ...Array.from({ length: 15 }, () => 0), symbol]));
  const scan = (coefficient: number, bitPosition: number, bits: number) =>
    Buffer.concat([
      jpegSegment(0xda, Buffer.from([1, 1, 0, coefficient, coefficient, bitPosition])),
      Buffer.alloc(Math.ceil(bits / 8)),
    ]);
  const refinements = Array.from({ length: scans }, (_, index) => {
    const low = 12 - Math.floor(index / 63);
    const position = low === 12 ? 12 : ((low + 1) << 4) | low;
    return scan(1 + (index % 63), position, 15 * Math.ceil(blocks / 16_384));
  });
  const quantization = jpegSegment(0xdb, Buffer.from([0, ...Array.from({ length: 64 }, () => 8)]));
  const tables = [quantization, frame, tableOfOneCode(0x00, 0), tableOfOneCode(0x10, 0xe0)];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    ...tables,
    scan(0, 0, blocks),
    ...refinements,
    Buffer.from([0xff, 0xd9]),
  ]);
}
