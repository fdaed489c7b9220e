import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, beforeEach, test } from 'node:test';
import type { BlobStore } from './blob-store.ts';
import { createS3BlobStore } from './s3-blob-store.ts';
import { type S3ServerUnderTest, startS3Server } from './s3-server.fixture.ts';

const MB = 1024 * 1024;
let server: S3ServerUnderTest;
let store: BlobStore;

before(async () => {
  server = await startS3Server();
  store = createS3BlobStore({ ...server.connection, prefix: 'postern/', requestTimeoutMs: 10_000 });
});
beforeEach(() => {
  server.faultOf = () => undefined;
  server.requests.length = 0;
});
after(() => server.stop());

const inChunks = (bytes: Buffer) =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.byteLength / 65_536) }, (_, n) =>
      bytes.subarray(n * 65_536, (n + 1) * 65_536),
    ),
  );
const countEverything = async () => (await server.countObjects('postern/')) + (await server.countUploads());
const sent = (pattern: RegExp) => server.requests.filter((request) => pattern.test(request)).length;

test('a large blob goes in parts and appears when it is whole', async () => {
  const blob = randomBytes(12 * MB);
  await store.put('large', inChunks(blob));
  assert.equal(sent(/PUT .*partNumber/), 3);
  assert.deepEqual(await store.read('large'), blob);
  await store.delete('large');
  assert.equal(await countEverything(), 0);
});

test('a blob of exactly one part is a single request', async () => {
  await store.put('exact', inChunks(Buffer.alloc(5 * MB)));
  assert.equal(server.requests.length, 1);
  await store.delete('exact');
});

test('a large put whose source fails leaves no parts behind', async () => {
  async function* failing() {
    yield* inChunks(Buffer.alloc(11 * MB));
    throw new Error('the client went away');
  }
  await assert.rejects(store.put('failing', failing()), /the client went away/);
  assert.equal(sent(/PUT .*partNumber/), 2);
  assert.equal(await countEverything(), 0);
});

test('a put that is aborted while a part is on its way leaves nothing and says why', async () => {
  const abort = new AbortController();
  server.faultOf = (request) => {
    if (!request.includes('partNumber=2')) return undefined;
    setImmediate(() => abort.abort(new Error('enough')));
    return 'hang';
  };
  await assert.rejects(store.put('aborted', inChunks(Buffer.alloc(12 * MB)), abort.signal), /enough/);
  assert.equal(await countEverything(), 0);
});

for (const [size, request] of [
  [1_000, /^PUT /],
  [6 * MB, /^POST .*uploadId/],
] as const) {
  test(`a put of ${size} bytes whose last answer is always lost has succeeded, because its blob is there`, async () => {
    server.faultOf = (asked) => (request.test(asked) ? 'lose the answer' : undefined);
    const blob = randomBytes(size);
    await store.put('answerless', inChunks(blob));
    assert.deepEqual(await store.read('answerless'), blob);
    await store.delete('answerless');
    assert.equal(await countEverything(), 0);
  });

  test(`a put of ${size} bytes that the server refuses at the end leaves nothing and spares the earlier blob`, async () => {
    await store.put('kept', inChunks(Buffer.from('old')));
    server.faultOf = (asked) => (request.test(asked) ? 'refuse' : undefined);
    const refused = { code: 'STORAGE_UNAVAILABLE', message: /ServiceUnavailable/ };
    await assert.rejects(store.put('kept', inChunks(randomBytes(size))), refused);
    assert.equal(String(await store.read('kept')), 'old');
    await store.delete('kept');
    assert.equal(await countEverything(), 0);
  });
}

test('the sweep spares an upload that began long ago and still gets parts', async () => {
  async function* slow() {
    yield* inChunks(Buffer.alloc(6 * MB));
    await server.ageUploads(3_600_000);
    assert.equal(await store.sweepTemporary(60_000), 0);
  }
  await store.put('slow', slow());
  assert.equal((await store.read('slow')).byteLength, 6 * MB);
  await store.delete('slow');
});
