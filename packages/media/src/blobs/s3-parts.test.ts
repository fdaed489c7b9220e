import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readParts } from './s3-parts.ts';

async function cut(sizes: number[], size: number): Promise<{ lengths: number[]; lasts: boolean[]; bytes: Buffer }> {
  const whole = Buffer.from(
    Array.from({ length: sizes.reduce((sum, length) => sum + length, 0) }, (_, index) => index),
  );
  // oxlint-disable-next-line require-await
  async function* chunks() {
    let offset = 0;
    for (const length of sizes) yield whole.subarray(offset, (offset += length));
  }
  const parts: Buffer[] = [];
  const lasts: boolean[] = [];
  for await (const { bytes, last } of readParts(chunks(), size)) {
    parts.push(Buffer.from(bytes));
    lasts.push(last);
  }
  assert.deepEqual(Buffer.concat(parts), whole);
  return { lengths: parts.map((part) => part.byteLength), lasts, bytes: whole };
}

test('all parts but the last have the full size, whatever the chunks', async () => {
  assert.deepEqual((await cut([1, 2, 3, 4, 5], 4)).lengths, [4, 4, 4, 3]);
  assert.deepEqual((await cut([15], 4)).lengths, [4, 4, 4, 3]);
});

test('bytes that fill a part exactly make no empty one', async () => {
  assert.deepEqual((await cut([4], 4)).lasts, [true]);
  assert.deepEqual((await cut([3, 5], 4)).lasts, [false, true]);
});

test('no bytes are one empty part', async () => {
  assert.deepEqual((await cut([], 4)).lengths, [0]);
  assert.deepEqual((await cut([0, 0], 4)).lengths, [0]);
});
