import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { FaultBook } from '../faults/fault-book.ts';
import { startMediaServer } from '../media/media-server.ts';
import { MediaDownloads } from './media-download.ts';
import { MediaUploads } from './media-upload.ts';

async function setUp(t: TestContext, maxCachedBytes = 1_000_000) {
  const media = await startMediaServer({ faults: new FaultBook() });
  t.after(() => media.stop());
  const uploads = new MediaUploads(media);
  t.after(() => uploads.stop());
  const downloads = new MediaDownloads({ host: media.host, certificatePem: media.certificatePem, maxCachedBytes });
  t.after(() => downloads.stop());
  const upload = (bytes: Buffer) => uploads.upload(bytes, '62811:1@s.whatsapp.net');
  return { media, downloads, upload };
}

test('an upload comes back as it was, and is downloaded once for many messages', async (t) => {
  const { media, downloads, upload } = await setUp(t);
  const bytes = randomBytes(100_000);
  const image = await upload(bytes);
  const copies = await Promise.all([downloads.fetch(image), downloads.fetch({ ...image }), downloads.fetch(image)]);
  for (const copy of copies) assert.ok(copy.bytes.equals(bytes));
  assert.equal(media.stats().downloads, 1);
});

test('what does not match the message is refused, also when the upload is known', async (t) => {
  const { downloads, upload } = await setUp(t);
  const image = await upload(randomBytes(1_000));
  await downloads.fetch(image);
  await assert.rejects(downloads.fetch({ ...image, fileSha256: randomBytes(32) }), /fileSha256/);
  await assert.rejects(downloads.fetch({ ...image, fileEncSha256: randomBytes(32) }), /fileEncSha256/);
  await assert.rejects(downloads.fetch({ ...image, mediaKey: randomBytes(32) }), /authentication code/);
  await assert.rejects(downloads.fetch({ ...image, directPath: '/v/nothing.enc' }), /404/);
  await assert.rejects(downloads.fetch({ caption: 'no media' }), /names no media/);
});

test('the memory of downloads is bounded', async (t) => {
  const { media, downloads, upload } = await setUp(t, 1_500);
  const images = await Promise.all([upload(randomBytes(1_000)), upload(randomBytes(1_000))]);
  for (const image of [...images, ...images]) await downloads.fetch(image);
  assert.equal(media.stats().downloads, 4);
});
