import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sharp } from 'sharp';
import { readHeader } from '../inspect/read-header.ts';
import { plain } from '../sample-images.ts';
import { interlacedPng } from './interlaced-png.fixture.ts';
import { toPngChunk } from './png-chunks.ts';
import { weighImage } from './weigh-image.ts';

const EDGE = 2000;
const TURN = Buffer.from('MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0', 'latin1');

/** Bytes a pixel, in whole ones, of a picture of so many pixels and few bytes. */
const weigh = (bytes: Buffer) => Math.round((weighImage(bytes, readHeader(bytes)) - 8e6) / EDGE ** 2);
const picture = plain(EDGE, EDGE);
const turned = (pipeline: Sharp) => pipeline.withMetadata({ orientation: 6 });

test('a picture that is decoded row by row weighs what its rows do, however many there are', async () => {
  for (const rows of [picture.clone().jpeg(), picture.clone().png(), picture.clone().ensureAlpha(0.5).png()]) {
    assert.equal(weigh(await rows.toBuffer()), 0);
  }
});

test('a picture that is held as a whole weighs what its pixels do', async () => {
  const weights = {
    'turned JPEG': weigh(await turned(picture.clone()).jpeg().toBuffer()),
    'progressive JPEG': weigh(await picture.clone().jpeg({ progressive: true }).toBuffer()),
    'progressive JPEG, all colours': weigh(
      await picture.clone().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
    ),
    'interlaced PNG': weigh(await picture.clone().png({ progressive: true }).toBuffer()),
    'interlaced PNG with alpha': weigh(await picture.clone().ensureAlpha(0.5).png({ progressive: true }).toBuffer()),
    'interlaced PNG with alpha and 16 bits': weigh(await interlacedPng(EDGE)),
    'the same, turned': weigh(await interlacedPng(EDGE, [toPngChunk('eXIf', TURN)])),
    'turned PNG': weigh(await turned(picture.clone()).png().toBuffer()),
    WebP: weigh(await picture.clone().webp().toBuffer()),
    'turned WebP': weigh(await turned(picture.clone()).webp().toBuffer()),
    GIF: weigh(await picture.clone().gif().toBuffer()),
  };
  assert.deepEqual(weights, {
    'turned JPEG': 4,
    'progressive JPEG': 3,
    'progressive JPEG, all colours': 6,
    'interlaced PNG': 3,
    'interlaced PNG with alpha': 4,
    'interlaced PNG with alpha and 16 bits': 8,
    'the same, turned': 16,
    'turned PNG': 3,
    WebP: 10,
    'turned WebP': 14,
    GIF: 6,
  });
});
