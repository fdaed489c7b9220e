import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { createDirectoryBlobStore } from '../blobs/directory-blob-store.ts';
import { noise } from '../sample-images.ts';
import { storeImage } from './store-image.ts';

async function emptyStore(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'images-'));
  t.after(() => rm(directory, { recursive: true }));
  const files = async () => (await readdir(directory, { recursive: true })).toSorted();
  return { store: createDirectoryBlobStore({ directory }), files };
}

function inChunks(bytes: Buffer, size = 65_536): Readable {
  const count = Math.ceil(bytes.byteLength / size);
  return Readable.from(Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size)));
}

test('an image is stored as it came and described', async (t) => {
  const { store } = await emptyStore(t);
  const bytes = await noise(400, 300).jpeg().toBuffer();
  const inspected = await storeImage(store, '3EB0', inChunks(bytes), { field: 'image' });
  assert.deepEqual([inspected.width, inspected.height, inspected.bytes], [400, 300, bytes.byteLength]);
  assert.deepEqual(await store.read('3EB0'), bytes);
});

test('nothing is stored of what breaks a rule, at its beginning, on its way or at its end', async (t) => {
  const { store, files } = await emptyStore(t);
  const put = (bytes: Buffer) => storeImage(store, '3EB0', inChunks(bytes), { field: 'image' });
  const jpeg = await noise(400, 300).jpeg().toBuffer();
  await assert.rejects(put(Buffer.from('<svg></svg>')), /got an SVG drawing/);
  await assert.rejects(put(Buffer.concat([jpeg, Buffer.alloc(16 * 1024 * 1024)])), /larger than/);
  await assert.rejects(put(jpeg.subarray(0, 20)), /ends after 20 bytes/);
  await assert.rejects(put(Buffer.alloc(0)), /empty file/);
  assert.deepEqual(await files(), ['blobs', 'incoming']);
});

test('a refused source is not read to its end', async (t) => {
  const { store } = await emptyStore(t);
  let sent = 0;
  const endless = Readable.from(
    (async function* () {
      for (;;) {
        sent += 1;
        yield await Promise.resolve(Buffer.alloc(65_536, 0x20));
      }
    })(),
  );
  await assert.rejects(storeImage(store, '3EB0', endless, { field: 'image' }), /got text/);
  assert.ok(endless.destroyed);
  assert.ok(sent < 40, `${sent} chunks were taken`);
});

test('an aborted upload leaves nothing', async (t) => {
  const { store, files } = await emptyStore(t);
  const jpeg = await noise(400, 300).jpeg().toBuffer();
  const abort = new AbortController();
  const source = new Readable({ read: () => undefined });
  source.push(jpeg.subarray(0, 5000));
  const storing = storeImage(store, '3EB0', source, { field: 'image', signal: abort.signal });
  setImmediate(() => abort.abort(new Error('client closed')));
  await assert.rejects(storing, /client closed/);
  assert.deepEqual(await files(), ['blobs', 'incoming']);
});
