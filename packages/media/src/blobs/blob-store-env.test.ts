import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { ConfigError, readEnv } from '@postern/runtime';
import { z } from 'zod';
import { blobStoreEnv, parseBlobStoreConfig } from './blob-store-env.ts';
import { createBlobStore } from './create-blob-store.ts';

const parse = (variables: Record<string, string>) =>
  parseBlobStoreConfig(readEnv(z.object({ ...blobStoreEnv }), variables));

test('without a bucket the store is a directory', () => {
  assert.deepEqual(parse({}), { directory: resolve('.postern/blobs') });
  assert.deepEqual(parse({ DATA_DIR: '/data' }), { directory: '/data/blobs' });
  assert.deepEqual(parse({ BLOB_DIR: '/srv/blobs', BLOB_S3_BUCKET: '' }), { directory: '/srv/blobs' });
});

test('a bucket alone is AWS with the credentials of the environment', () => {
  assert.deepEqual(parse({ BLOB_S3_BUCKET: 'images' }), {
    s3: { region: 'us-east-1', bucket: 'images', prefix: 'postern/', forcePathStyle: false },
  });
});

test('every variable of a compatible server is read', () => {
  const variables = {
    BLOB_S3_ENDPOINT: 'http://minio:9000',
    BLOB_S3_REGION: 'eu-central-1',
    BLOB_S3_BUCKET: 'images',
    BLOB_S3_PREFIX: 'a/b',
    BLOB_S3_ACCESS_KEY_ID: 'id',
    BLOB_S3_SECRET_ACCESS_KEY: 'secret',
    BLOB_S3_FORCE_PATH_STYLE: 'true',
  };
  assert.deepEqual(parse(variables), {
    s3: {
      endpoint: 'http://minio:9000',
      region: 'eu-central-1',
      bucket: 'images',
      prefix: 'a/b',
      accessKeyId: 'id',
      secretAccessKey: 'secret',
      forcePathStyle: true,
    },
  });
});

test('what is malformed or contradicts itself is refused by name, without its value', () => {
  const refused = (variables: Record<string, string>, ...names: string[]) =>
    assert.throws(
      () => parse(variables),
      (error: unknown) =>
        error instanceof ConfigError && names.every((name) => error.message.includes(`\n  ${name}: `)),
    );
  refused({ BLOB_S3_ENDPOINT: 'minio:9000', BLOB_S3_PREFIX: '/x' }, 'BLOB_S3_ENDPOINT', 'BLOB_S3_PREFIX');
  refused({ BLOB_S3_BUCKET: 'a/b' }, 'BLOB_S3_BUCKET');
  refused({ BLOB_S3_ENDPOINT: 'http://minio:9000' }, 'BLOB_S3_BUCKET');
  refused({ BLOB_DIR: '/srv', BLOB_S3_BUCKET: 'b-b', BLOB_S3_ACCESS_KEY_ID: 'x' }, 'BLOB_DIR', 'BLOB_S3_ACCESS_KEY_ID');
  refused({ BLOB_S3_BUCKET: 'b-b', BLOB_S3_SECRET_ACCESS_KEY: 'x' }, 'BLOB_S3_ACCESS_KEY_ID');
});

test('the SDK is loaded by the first request to a bucket, and by nothing else', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'blobs-'));
  t.after(() => rm(directory, { recursive: true }));
  const isLoaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('client-s3'));
  await createBlobStore({ directory }).identity();
  const s3 = { endpoint: 'http://127.0.0.1:1', region: 'r', bucket: 'b-b', prefix: '', forcePathStyle: true };
  const store = createBlobStore({ s3: { ...s3, accessKeyId: 'a', secretAccessKey: 'b' } });
  assert.equal(isLoaded(), false);
  await assert.rejects(store.read('any'), { code: 'STORAGE_UNAVAILABLE', message: /ECONNREFUSED/ });
  assert.equal(isLoaded(), true);
});
