import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '@postern/contract';
import { noise } from '../sample-images.ts';
import { createImageProcessor } from './image-processor.ts';

const AS_IS = { compress: false, hd: false, viewOnce: false };
const twoMegapixels = await noise(2000, 1000).png({ progressive: true }).toBuffer();

test('pixels in flight stay within the limit, and every image is prepared', async () => {
  const processor = createImageProcessor({ maxPixelsInFlight: 4_500_000 });
  const seen: number[] = [];
  const preparing = Array.from({ length: 8 }, () =>
    processor.prepare(twoMegapixels, AS_IS).then(({ width }) => {
      seen.push(processor.stats.pixelsInFlight);
      return width;
    }),
  );
  assert.deepEqual(processor.stats, { active: 2, waiting: 6, pixelsInFlight: 4_000_000 });
  assert.deepEqual(new Set(await Promise.all(preparing)), new Set([2000]));
  assert.ok(Math.max(...seen) <= 4_500_000);
  assert.deepEqual(processor.stats, { active: 0, waiting: 0, pixelsInFlight: 0 });
});

test('an image larger than the limit is prepared, alone', async () => {
  const processor = createImageProcessor({ maxPixelsInFlight: 1000 });
  const both = [processor.prepare(twoMegapixels, AS_IS), processor.prepare(twoMegapixels, AS_IS)];
  assert.deepEqual(processor.stats, { active: 1, waiting: 1, pixelsInFlight: 2_000_000 });
  assert.equal((await Promise.all(both)).length, 2);
});

test('a refused image gives its pixels back', async () => {
  const processor = createImageProcessor();
  await assert.rejects(processor.prepare(Buffer.from('text'), AS_IS), /got text/);
  await assert.rejects(processor.prepare(twoMegapixels.subarray(0, 5000), AS_IS), /damaged or cut off/);
  assert.deepEqual(processor.stats, { active: 0, waiting: 0, pixelsInFlight: 0 });
});

test('a decode that takes too long fails, and its pixels count until it has really ended', async () => {
  const processor = createImageProcessor({ maxPixelsInFlight: 1000, timeoutMs: 1 });
  await assert.rejects(processor.prepare(twoMegapixels, AS_IS), (error: unknown) => {
    assert.ok(error instanceof Failure);
    assert.equal(error.code, 'IMAGE_PROCESSING_FAILED');
    assert.match(error.message, /takes longer than 1 ms/);
    return true;
  });
  assert.equal(processor.stats.active, 1);
  const next = new AbortController();
  const waiting = processor.prepare(twoMegapixels, AS_IS, next.signal);
  next.abort(new Error('cancelled'));
  await assert.rejects(waiting, /cancelled/);
});
