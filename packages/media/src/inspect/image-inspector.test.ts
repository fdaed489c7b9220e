import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { Failure } from '@postern/contract';
import { jpegSegment, noise, quarters } from '../sample-images.ts';
import { createImageInspector } from './image-inspector.ts';
import {
  extendedWebpHeader,
  gifHeader,
  jpegHeader,
  losslessWebpHeader,
  lossyWebpHeader,
  pngHeader,
} from './sample-headers.ts';

function inspect(bytes: Buffer, chunkSize = 65_536) {
  const inspector = createImageInspector();
  for (let at = 0; at < bytes.byteLength; at += chunkSize) inspector.push(bytes.subarray(at, at + chunkSize));
  return inspector.finish();
}

function refusal(bytes: Buffer, chunkSize?: number): string {
  try {
    inspect(bytes, chunkSize);
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(error.code, 'VALIDATION_ERROR');
    assert.equal(error.details.errors?.[0]?.field, 'image');
    return error.message;
  }
  return assert.fail('the bytes were accepted');
}

describe('accepted images', async () => {
  const picture = await quarters(301, 203);
  const jpeg = await picture.clone().jpeg().toBuffer();
  const longHead = Array.from({ length: 40 }, () => jpegSegment(0xe1, Buffer.alloc(65_000, 0xff)));
  const encodings = {
    'baseline JPEG': ['image/jpeg', jpeg],
    'progressive JPEG': ['image/jpeg', await picture.clone().jpeg({ progressive: true }).toBuffer()],
    'grey JPEG': ['image/jpeg', await picture.clone().greyscale().jpeg().toBuffer()],
    'CMYK JPEG': ['image/jpeg', await picture.clone().toColourspace('cmyk').jpeg().toBuffer()],
    'JPEG behind 2.6 MB of metadata': [
      'image/jpeg',
      Buffer.concat([jpeg.subarray(0, 2), ...longHead, jpeg.subarray(2)]),
    ],
    'JPEG with stray and fill bytes': [
      'image/jpeg',
      Buffer.concat([jpeg.subarray(0, 2), jpegSegment(0xfe, ''), Buffer.from([0, 7, 0xff, 0xff]), jpeg.subarray(2)]),
    ],
    PNG: ['image/png', await picture.clone().png().toBuffer()],
    'palette PNG': ['image/png', await picture.clone().png({ palette: true }).toBuffer()],
    GIF: ['image/gif', await picture.clone().gif().toBuffer()],
    'lossy WebP': ['image/webp', await picture.clone().webp().toBuffer()],
    'lossless WebP': ['image/webp', await picture.clone().webp({ lossless: true }).toBuffer()],
    'extended WebP': ['image/webp', await picture.clone().ensureAlpha(0.5).webp().toBuffer()],
  } as const;

  for (const [name, [mimetype, bytes]] of Object.entries(encodings)) {
    it(`${name} is told by its bytes, in whatever chunks they come`, () => {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const expected = { mimetype, width: 301, height: 203, bytes: bytes.byteLength, sha256 };
      assert.deepEqual(inspect(bytes), expected);
      assert.deepEqual(inspect(bytes, 700), expected);
      if (bytes.byteLength < 100_000) assert.deepEqual(inspect(bytes, 1), expected);
    });
  }
});

describe('dimensions', () => {
  const headers = { jpegHeader, pngHeader, gifHeader, lossyWebpHeader, losslessWebpHeader, extendedWebpHeader };
  for (const [name, header] of Object.entries(headers)) {
    it(`are 48 to 16000 an edge in a ${name}`, () => {
      assert.equal(inspect(header(48, 48)).width, 48);
      const { width, height } = inspect(header(16_000, 15_999));
      assert.deepEqual([width, height], [16_000, 15_999]);
      assert.match(refusal(header(47, 48)), /^image: is 47×48 pixels; each edge must have 48 to 16000$/);
      assert.match(refusal(header(48, 47)), /48×47/);
      assert.match(refusal(header(16_001, 48)), /16001×48/);
      assert.match(refusal(header(48, 16_001)), /48×16001/);
    });
  }

  it('are refused with the chunk that states them, not at the end', () => {
    const inspector = createImageInspector('image_url');
    assert.throws(() => inspector.push(pngHeader(47, 47)), /^Failure: image_url: is 47×47/);
  });
});

describe('sizes', async () => {
  const start = await noise(2000, 1500).png().toBuffer();
  const whole = Buffer.concat([start, Buffer.alloc(16 * 1024 * 1024 - start.byteLength)]);

  it('of exactly 16 MiB are accepted', () => {
    assert.equal(inspect(whole).bytes, 16_777_216);
  });

  it('of one byte more are refused by the byte that is too much', () => {
    const inspector = createImageInspector();
    inspector.push(whole);
    assert.throws(() => inspector.push(Buffer.alloc(1)), /^Failure: image: is larger than 16777216 bytes \(16 MiB\)/);
  });
});

describe('bytes that are no accepted image', () => {
  const box = (brands: string) =>
    Buffer.concat([Buffer.from([0, 0, 0, 8 + brands.length]), Buffer.from(`ftyp${brands}`)]);
  const foreign: readonly (readonly [name: string, bytes: Buffer | string])[] = [
    ['an empty file', ''],
    ['an SVG drawing', '<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['an SVG drawing', '\ufeff<svg width="100" height="100"></svg>'],
    ['an HEIC image', box('heic\0\0\0\0mif1heic')],
    ['an HEIC image', box('mif1\0\0\0\0mif1heic')],
    ['an AVIF image', box('avif\0\0\0\0avifmif1miaf')],
    ['an AVIF image', box('mif1\0\0\0\0mif1avif')],
    ['an MP4 or QuickTime video', box('isom\0\0\0\0isomiso2avc1mp41')],
    ['a PDF document', '%PDF-1.7\n1 0 obj'],
    ['a BMP image', Buffer.from('424d3600030000000000360000002800', 'hex')],
    ['a TIFF image', Buffer.from('49492a0008000000', 'hex')],
    ['a TIFF image', Buffer.from('4d4d002a00000008', 'hex')],
    ['a Photoshop document', '8BPS\0\x01'],
    ['an icon (ICO)', Buffer.from('00000100010010100000', 'hex')],
    ['a JPEG XL image', Buffer.from('ff0afa1f', 'hex')],
    ['a JPEG 2000 image', Buffer.from('0000000c6a5020200d0a870a', 'hex')],
    ['a ZIP archive', Buffer.from('504b03041400', 'hex')],
    ['gzip-compressed data', Buffer.from('1f8b0800', 'hex')],
    ['a Matroska or WebM video', Buffer.from('1a45dfa3', 'hex')],
    ['a RIFF file that is not WebP', 'RIFF\x24\0\0\0WAVEfmt '],
    ['an HTML page', '<!DOCTYPE html><html><body>Not found</body></html>'],
    ['an XML document', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
    ['JSON text', '{"error":"not found"}'],
    ['a data: URL', 'data:image/png;base64,iVBORw0KGgo='],
    ['text', 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ'],
    ['a PNG damaged in transfer', '\x89PNG\n\x1a\n'],
    ['unknown bytes', Buffer.alloc(1000, 7)],
  ];
  for (const [name, content] of foreign) {
    it(`are named: ${name} (${JSON.stringify(content.toString('latin1').slice(0, 24))})`, () => {
      const bytes =
        typeof content === 'string' ? Buffer.from(content, content.startsWith('\ufeff') ? 'utf8' : 'latin1') : content;
      assert.ok(refusal(bytes).includes(`got ${name}`), refusal(bytes));
      if (bytes.byteLength > 0) assert.ok(refusal(bytes, 1).includes(`got ${name}`));
    });
  }

  it('are refused before the stream ends', () => {
    const inspector = createImageInspector();
    assert.throws(() => inspector.push(Buffer.alloc(600, 0x20)), /got text/);
  });

  it('are refused when they end within the header, whichever the format', () => {
    for (const header of [jpegHeader(100, 100), pngHeader(100, 100), gifHeader(100, 100), lossyWebpHeader(100, 100)]) {
      for (const length of [9, 13, 20]) {
        if (header.byteLength <= length) continue;
        const cut = header.subarray(0, length);
        assert.match(refusal(cut), /ends after \d+ bytes, within its header|got /);
      }
    }
  });

  it('are refused when the header contradicts itself', () => {
    assert.match(refusal(Buffer.from('ffd8ffd9ffd9ffd9ffd9ffd9', 'hex')), /JPEG without a frame header/);
    assert.match(refusal(Buffer.from('ffd8ffe00001000000000000', 'hex')), /JPEG with a damaged segment/);
    assert.match(refusal(Buffer.concat([pngHeader(9, 9).subarray(0, 12), Buffer.alloc(20)])), /PNG without its header/);
    assert.match(
      refusal(Buffer.concat([Buffer.from('RIFF\0\0\0\0WEBPABCD'), Buffer.alloc(20)])),
      /WebP without an image/,
    );
  });
});
