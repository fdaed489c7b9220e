import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, beforeEach, test } from 'node:test';
import { inspect } from 'node:util';
import { S3 } from '@aws-sdk/client-s3';
import { BlobNotFoundError } from './blob-store.ts';
import { createS3BlobStore, type S3BlobStoreOptions } from './s3-blob-store.ts';
import { type S3ServerUnderTest, startS3Server } from './s3-server.fixture.ts';

let server: S3ServerUnderTest;
const open = (options: Partial<S3BlobStoreOptions> = {}) =>
  createS3BlobStore({ ...server.connection, prefix: 'postern/', requestTimeoutMs: 5_000, ...options });

/** The failure of the store that this error of the server, or of the way to it, becomes. */
const unavailable = (cause: { name?: string; code?: string | RegExp; status?: number }) => (error: unknown) => {
  const { code, retryable, cause: found } = Object(error);
  assert.deepEqual([code, retryable], ['STORAGE_UNAVAILABLE', true]);
  assert.match(found.code, cause.code instanceof RegExp ? cause.code : new RegExp(cause.code ?? ''));
  if (cause.name !== undefined) assert.equal(found.name, cause.name);
  if (cause.status !== undefined) assert.equal(found.status, cause.status);
  return true;
};

before(async () => {
  server = await startS3Server();
});
beforeEach(() => {
  server.faultOf = () => undefined;
  server.requests.length = 0;
});
after(() => server.stop());

test('a server that is unavailable is asked three times, then its word is the error', async () => {
  server.faultOf = () => 'refuse';
  const cause = { name: 'S3Error', code: 'ServiceUnavailable', status: 503 };
  await assert.rejects(open().read('any'), unavailable(cause));
  assert.equal(server.requests.length, 3);
  await assert.rejects(open().put('any', Readable.from([Buffer.from('x')])), unavailable(cause));
  await assert.rejects(open().probe(), unavailable(cause));
});

test('a server that does not answer is given up in bounded time', { timeout: 10_000 }, async () => {
  server.faultOf = () => 'hang';
  const cause = { name: 'S3Error', code: /TimeoutError|ETIMEDOUT/ };
  await assert.rejects(open({ requestTimeoutMs: 300 }).delete('any'), unavailable(cause));
  assert.equal(server.requests.length, 3);
});

test('a server that is not there is an error that says so', async () => {
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  gone.close();
  const store = open({ endpoint: `http://127.0.0.1:${port}` });
  await assert.rejects(store.read('any'), unavailable({ code: 'ECONNREFUSED' }));
});

test('an answer that is cut off is an error, not a shorter blob', async () => {
  const cutting = createServer((_, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half', () => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(cutting, 'listening');
  const { port } = cutting.address() as AddressInfo;
  await assert.rejects(open({ endpoint: `http://127.0.0.1:${port}` }).read('any'), unavailable({ name: 'S3Error' }));
  cutting.close();
});

test('a missing bucket is not taken for a missing blob', async () => {
  const store = open({ bucket: 'another-bucket' });
  const failed = unavailable({ code: 'NoSuchBucket' });
  await assert.rejects(store.read('any'), failed);
  await assert.rejects(store.put('any', Readable.from([Buffer.from('x')])), failed);
  await assert.rejects(store.list()[Symbol.asyncIterator]().next(), failed);
});

test('a bucket that is empty where the store was is away, and has lost no blob', async () => {
  const store = open({ prefix: 'emptied/' });
  await store.identity();
  await assert.rejects(store.read('never-stored'), BlobNotFoundError);
  const client = new S3({ ...server.connection, credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' } });
  const identity = { Bucket: server.connection.bucket, Key: 'emptied/identity' };
  const text = await store.identity();
  await client.deleteObject(identity);
  const empty = { code: 'STORAGE_UNAVAILABLE', retryable: true, message: /its bucket is empty/ };
  await assert.rejects(store.read('never-stored'), empty);
  await assert.rejects(store.probe(), empty);
  await assert.rejects(store.list()[Symbol.asyncIterator]().next(), empty);
  await client.putObject({ ...identity, Body: 'another' });
  await assert.rejects(store.read('never-stored'), { message: /its bucket holds another store/ });
  await client.putObject({ ...identity, Body: text });
  await assert.rejects(store.read('never-stored'), BlobNotFoundError);
});

test('unknown keys are refused by name, and the error keeps them to itself', async () => {
  await assert.rejects(
    open({ accessKeyId: 'nobody', secretAccessKey: 'not-the-secret' }).read('any'),
    (error: unknown) => {
      assert.equal(Object(error).cause.code, 'InvalidAccessKeyId');
      assert.doesNotMatch(inspect(error), /not-the-secret|AWS4-HMAC/);
      return true;
    },
  );
});

test('eight processes agree on one identity where conditional writes are ignored', { timeout: 20_000 }, async () => {
  server.conditionalWrites = false;
  const identities = await Promise.all(Array.from({ length: 8 }, () => open().identity()));
  assert.equal(new Set(identities).size, 1);
  assert.ok(server.requests.filter((request) => request.startsWith('PUT')).length > 1, 'nobody raced');
});

test('keys under the prefix that are no blobs are not listed', async () => {
  await open({ prefix: 'postern/blobs/deeper' }).put('not-ours', Readable.from([Buffer.from('x')]));
  await open().put('ours', Readable.from([Buffer.from('x')]));
  const listed: string[] = [];
  for await (const { id } of open().list()) listed.push(id);
  assert.deepEqual(listed, ['ours']);
});
