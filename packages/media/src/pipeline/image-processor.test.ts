import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { Failure } from '@postern/contract';
import { losslessWebpHeader } from '../inspect/sample-headers.ts';
import { noise, plain } from '../sample-images.ts';
import { createImageProcessor, type ImageProcessorOptions } from './image-processor.ts';
import { interlacedPng } from './interlaced-png.fixture.ts';

const AS_IS = { compress: false, hd: false, viewOnce: false };
const MIB = 2 ** 20;
const IDLE = { active: 0, waiting: 0, weight: 0 };
/** A picture that is held as a whole while it is decoded: some 20 MB. */
const twoMegapixels = await noise(2000, 1000).png({ progressive: true }).toBuffer();
const small = await noise(300, 200).jpeg().toBuffer();

function createProcessor(t: TestContext, options: ImageProcessorOptions = {}) {
  const processor = createImageProcessor(options);
  t.after(() => processor.stop());
  return processor;
}

async function failureOf(preparing: Promise<unknown>): Promise<Failure> {
  const error = await preparing.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Failure, String(error));
  assert.equal(error.code, 'IMAGE_PROCESSING_FAILED');
  return error;
}

/** The most memory that a process has had, in bytes. */
async function peakOf(pid: number | undefined): Promise<number> {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

test('what is decoded at once stays within the memory, and every image is prepared', async (t) => {
  const processor = createProcessor(t, { memoryBytes: 100 * MIB });
  const seen: number[] = [];
  const preparing = Array.from({ length: 8 }, async () => {
    const { width } = await processor.prepare(twoMegapixels, AS_IS);
    seen.push(processor.stats.large.weight);
    return width;
  });
  const { active, waiting } = processor.stats.large;
  assert.deepEqual([active > 1, active + waiting], [true, 8]);
  assert.deepEqual(new Set(await Promise.all(preparing)), new Set([2000]));
  assert.ok(Math.max(...seen) <= 75 * MIB);
  assert.deepEqual(processor.stats, { small: IDLE, large: IDLE, heavy: IDLE });
  assert.equal(processor.processId, undefined);
});

test('a heavy picture is prepared in a process of its own, and does not hold up small ones of others', async (t) => {
  const processor = createProcessor(t);
  const manyPixels = await plain(7000, 7000).jpeg().toBuffer();
  const muchMemory = await interlacedPng(5000);
  const order: string[] = [];
  const heavy = processor.prepare(muchMemory, { ...AS_IS, owner: 'a' }).then((image) => {
    order.push('heavy');
    return image;
  });
  const next = processor.prepare(manyPixels, { ...AS_IS, owner: 'a' });
  assert.deepEqual([processor.stats.heavy.active, processor.stats.heavy.waiting], [1, 1]);
  await processor.prepare(small, { ...AS_IS, owner: 'b' });
  order.push('small');
  const { mimetype, width, notes, bytes, thumbnail } = await heavy;
  assert.deepEqual([mimetype, width, notes], ['image/png', 5000, ['re-encoded']]);
  assert.ok(Buffer.isBuffer(bytes) && Buffer.isBuffer(thumbnail));
  assert.equal((await next).width, 7000);
  assert.deepEqual(order, ['small', 'heavy']);
});

test('a picture that needs more memory than any may have is refused before it is decoded', async (t) => {
  const processor = createProcessor(t);
  const before = process.memoryUsage.rss();
  const { message, details, cause } = await failureOf(processor.prepare(await interlacedPng(12_000), AS_IS));
  assert.match(message, /more than 1024 MiB of memory/);
  assert.deepEqual([details['reason'], cause, processor.processId], ['too_much_memory', undefined, undefined]);
  // 38 bytes that claim 256 megapixels.
  await failureOf(processor.prepare(losslessWebpHeader(16_000, 16_000), AS_IS));
  assert.ok(process.memoryUsage.rss() - before < 150 * MIB);
});

test('a refused image gives its memory back', async (t) => {
  const processor = createProcessor(t);
  await assert.rejects(processor.prepare(Buffer.from('text'), AS_IS), /got text/);
  await assert.rejects(processor.prepare(twoMegapixels.subarray(0, 5000), AS_IS), /damaged or cut off/);
  const inProcess = processor.prepare(twoMegapixels.subarray(0, 5000), { ...AS_IS, alone: true });
  assert.match((await failureOf(inProcess)).message, /damaged or cut off/);
  assert.deepEqual(processor.stats, { small: IDLE, large: IDLE, heavy: IDLE });
});

test('a decode that takes too long fails, and its memory counts until it has really ended', async (t) => {
  const processor = createProcessor(t, { timeoutMs: 1 });
  const failure = await failureOf(processor.prepare(twoMegapixels, AS_IS));
  assert.match(failure.message, /takes longer than 1 ms/);
  assert.equal(failure.details['reason'], 'too_slow');
  assert.equal(processor.stats.large.active, 1);
  const waits = new AbortController();
  const waiting = processor.prepare(twoMegapixels, AS_IS, waits.signal);
  waits.abort(new Error('cancelled'));
  await assert.rejects(waiting, /cancelled/);
});

test('neither this process nor that of a heavy picture outgrows what it may have', async (t) => {
  if (process.platform !== 'linux') return t.skip('memory is read from /proc');
  const processor = createProcessor(t);
  const before = process.memoryUsage.rss();
  await processor.prepare(await interlacedPng(7000), AS_IS);
  const child = await peakOf(processor.processId);
  assert.ok(child > 390e6 && child < 600e6, `${child} bytes`);
  assert.ok(process.memoryUsage.rss() - before < 150 * MIB);
});
