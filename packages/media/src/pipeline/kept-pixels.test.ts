import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { jpegSegment, noise, quarters, rawPixels } from '../sample-images.ts';
import { prepareImage } from './prepare-image.ts';

const AS_IS = { compress: false, hd: false, viewOnce: false };
const ZIP = Buffer.from('PK\x03\x04\x14\0\0\0\0\0META-INF/MANIFEST.MF', 'latin1');
const PAGE = '<html><script>alert(document.domain)</script></html>';
const picture = await quarters(320, 240);
const plain = await picture.clone().jpeg({ quality: 90 }).toBuffer();

/** Prepares and asserts that the pixels are the sender's, bit by bit, and that none of the texts is left. */
async function assertKept(bytes: Buffer, gone: readonly string[] = []): Promise<Buffer> {
  const prepared = await prepareImage(bytes, AS_IS);
  assert.deepEqual(prepared.notes, []);
  assert.equal(prepared.inputBytes, bytes.byteLength);
  assert.deepEqual(await rawPixels(prepared.bytes), await rawPixels(bytes));
  for (const text of gone) {
    assert.ok(bytes.includes(text, 0, 'latin1'), `the sample holds ${text}`);
    assert.ok(!prepared.bytes.includes(text, 0, 'latin1'), `${text} is still there`);
  }
  const { exif, xmp, iptc, comments } = await sharp(prepared.bytes).metadata();
  assert.deepEqual([exif, xmp, iptc, comments], [undefined, undefined, undefined, undefined]);
  return prepared.bytes;
}

/** The JPEG with more segments behind its start. */
const withSegments = (bytes: Buffer, ...segments: Buffer[]) =>
  Buffer.concat([bytes.subarray(0, 2), ...segments, bytes.subarray(2)]);

function pngChunk(type: string, content: Buffer | string): Buffer {
  const body = Buffer.concat([Buffer.from(type), Buffer.from(content as string, 'latin1')]);
  const chunk = Buffer.alloc(8 + body.byteLength);
  chunk.writeUInt32BE(body.byteLength - 4);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), 4 + body.byteLength);
  return chunk;
}

/** The PNG with more chunks behind its header. */
const withChunks = (bytes: Buffer, ...chunks: Buffer[]) =>
  Buffer.concat([bytes.subarray(0, 33), ...chunks, bytes.subarray(33)]);

describe('a JPEG', () => {
  it('loses GPS, EXIF, XMP, IPTC and comments, and nothing of its pixels', async () => {
    const gps = {
      GPSLatitudeRef: 'S',
      GPSLatitude: '6/1 12/1 30/1',
      GPSLongitudeRef: 'E',
      GPSLongitude: '106/1 49/1 0/1',
    };
    const exif = { IFD0: { Make: 'Seagull', Model: 'S-1', Artist: 'Somebody' }, IFD3: gps };
    const located = await picture
      .clone()
      .withExif(exif)
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/">home</x:xmpmeta>')
      .jpeg()
      .toBuffer();
    assert.ok((await sharp(located).metadata()).exif, 'the sample has EXIF');
    const iptc = jpegSegment(0xed, 'Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0e\x1c\x02\x50\0\x06Author');
    const all = withSegments(located, iptc, jpegSegment(0xfe, 'shot at home'), jpegSegment(0xef, 'private'));
    await assertKept(all, ['Seagull', 'Somebody', 'xmpmeta', '8BIM', 'Author', 'shot at home', 'private', 'Exif']);
  });

  it('is handed on without a copy when it holds nothing to remove', async () => {
    const first = await prepareImage(plain, AS_IS);
    const again = await prepareImage(first.bytes, AS_IS);
    assert.equal(again.bytes, first.bytes);
    const png = (await prepareImage(await picture.clone().png().toBuffer(), AS_IS)).bytes;
    assert.equal((await prepareImage(png, AS_IS)).bytes, png);
    const longer = Buffer.concat([png, Buffer.from('more')]);
    assert.deepEqual((await prepareImage(longer, AS_IS)).bytes, png);
  });

  it('loses the preview inside JFIF and JFXX', async () => {
    const jfif = Buffer.concat([Buffer.from('JFIF\0\x01\x02\x01\0\x48\0\x48\x01\x01', 'latin1'), Buffer.from('RGB')]);
    const bare = plain.subarray(2); // as encoded here it has neither JFIF nor Adobe segment
    const sample = Buffer.concat([
      plain.subarray(0, 2),
      jpegSegment(0xe0, jfif),
      jpegSegment(0xe0, 'JFXX\0\x13\x01\x01RGB'),
      bare,
    ]);
    const kept = await assertKept(sample, ['RGB', 'JFXX']);
    assert.equal((await sharp(kept).metadata()).density, 72);
  });

  it('loses further images and archives behind its end, and pages inside comments', async () => {
    const mpf = jpegSegment(0xe2, 'MPF\0MM\0*');
    await assertKept(withSegments(Buffer.concat([plain, plain]), mpf), ['MPF']);
    assert.equal((await prepareImage(Buffer.concat([plain, plain]), AS_IS)).bytes.byteLength, plain.byteLength);
    await assertKept(Buffer.concat([plain, ZIP]), ['PK\x03\x04', 'META-INF']);
    await assertKept(withSegments(plain, jpegSegment(0xfe, PAGE)), ['<script>']);
    await assertKept(withSegments(plain, jpegSegment(0xfe, 'a'), Buffer.from('stray bytes'), jpegSegment(0xfe, '')), [
      'stray bytes',
    ]);
  });

  it('stays progressive, grey, subsampled or with restart markers', async () => {
    const progressive = await noise(500, 300).jpeg({ progressive: true }).toBuffer();
    assert.equal((await sharp(await assertKept(progressive)).metadata()).isProgressive, true);
    assert.equal(
      (await sharp(await assertKept(await picture.clone().toColourspace('b-w').jpeg().toBuffer())).metadata()).channels,
      1,
    );
    await assertKept(await noise(333, 77).jpeg({ chromaSubsampling: '4:4:4' }).toBuffer());
  });

  it('keeps the colour transform that Adobe states', async () => {
    const adobe = jpegSegment(0xee, 'Adobe\0\x64\0\0\0\0\0');
    const bare = plain.subarray(2); // as encoded here it has neither JFIF nor Adobe segment
    const rgb = Buffer.concat([plain.subarray(0, 2), adobe, bare]);
    assert.notDeepEqual(await rawPixels(rgb), await rawPixels(plain), 'the sample reads differently for it');
    await assertKept(rgb);
  });
});

describe('a PNG', () => {
  const secret = ['tEXt', 'zTXt', 'iTXt', 'tIME', 'eXIf', 'pHYs', 'prVt'] as const;
  const dirty = (bytes: Buffer) =>
    withChunks(
      bytes,
      ...secret.filter((type) => type !== 'eXIf').map((type) => pngChunk(type, `Comment\0${type} says home`)),
    );

  it('loses text, times, EXIF and private chunks, and nothing of its pixels', async () => {
    const clean = await picture.clone().png().toBuffer();
    await assertKept(dirty(clean), ['says home', 'prVt', 'tIME']);
    const exif = { IFD0: { Artist: 'Somebody' }, IFD3: { GPSLatitudeRef: 'S', GPSLatitude: '6/1 12/1 30/1' } };
    await assertKept(await picture.clone().withExif(exif).png().toBuffer(), ['Somebody', 'eXIf']);
  });

  it('loses what follows its end', async () => {
    const clean = await picture.clone().png().toBuffer();
    await assertKept(Buffer.concat([clean, ZIP]), ['META-INF']);
    await assertKept(Buffer.concat([clean, Buffer.from(PAGE)]), ['<script>']);
  });

  it('keeps alpha, palette with transparency, grey, one bit and interlace', async () => {
    const seeThrough = picture.clone().ensureAlpha(0.4);
    for (const [name, bytes] of Object.entries({
      alpha: await seeThrough.clone().png().toBuffer(),
      palette: await seeThrough.clone().png({ palette: true }).toBuffer(),
      grey: await picture.clone().toColourspace('b-w').png().toBuffer(),
      'one bit': await picture.clone().threshold().toColourspace('b-w').png({ palette: true, colours: 2 }).toBuffer(),
      interlaced: await picture.clone().png({ progressive: true }).toBuffer(),
    })) {
      const [before, after] = [await sharp(bytes).metadata(), await sharp(await assertKept(dirty(bytes))).metadata()];
      for (const key of ['channels', 'hasAlpha', 'isPalette', 'bitsPerSample', 'isProgressive', 'space'] as const) {
        assert.equal(after[key], before[key], `${key} of ${name}`);
      }
    }
  });

  it('loses the frames of an animation', async () => {
    const clean = await picture.clone().png().toBuffer();
    const control = pngChunk('acTL', Buffer.from('0000000200000000', 'hex'));
    await assertKept(withChunks(clean, control, pngChunk('fdAT', '\0\0\0\x01second frame')), ['acTL', 'second frame']);
  });
});
