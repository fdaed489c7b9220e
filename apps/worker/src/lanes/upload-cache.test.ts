import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UploadCache } from './upload-cache.ts';

function createCache(reuseMs = 60_000) {
  const counted: string[] = [];
  const cache = new UploadCache({ reuseMs, onUpload: (source) => counted.push(source) });
  let uploads = 0;
  const upload = async ({ deviceId = 'd', sha256 = 's', mimetype = 'image/jpeg', viewOnce = false }) => {
    const image = { bytes: Buffer.from('x'), mimetype, width: 48, height: 48, sha256, thumbnail: undefined };
    const { uploaded } = await cache.upload({
      deviceId,
      image,
      viewOnce,
      signal: new AbortController().signal,
      upload: async () => ({ sha256Uploaded: `u${++uploads}`, encoded: new Uint8Array() }),
    });
    return uploaded.sha256Uploaded;
  };
  return { cache, upload, counted };
}

test('the same bytes of the same type and device are uploaded once', async () => {
  const { upload, counted } = createCache();
  assert.deepEqual(await Promise.all([upload({}), upload({})]), ['u1', 'u1']);
  assert.equal(await upload({ sha256: 'other' }), 'u2');
  assert.equal(await upload({ mimetype: 'image/png' }), 'u3');
  assert.equal(await upload({ deviceId: 'e' }), 'u4');
  assert.equal(await upload({}), 'u1');
  assert.deepEqual(counted, ['fresh', 'reused', 'fresh', 'fresh', 'fresh', 'reused']);
});

test('a view-once image neither uses an upload again nor leaves one', async () => {
  const { upload } = createCache();
  assert.deepEqual([await upload({ viewOnce: true }), await upload({})], ['u1', 'u2']);
  assert.deepEqual([await upload({ viewOnce: true }), await upload({})], ['u3', 'u2']);
});

test('an upload that is gone is forgotten for its device only', async () => {
  const { cache, upload } = createCache();
  await upload({});
  cache.forget('e', 'u1');
  assert.equal(await upload({}), 'u1');
  cache.forget('d', 'u1');
  assert.equal(await upload({}), 'u2');
});
