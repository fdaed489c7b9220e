import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findGoneMedia } from './gone-media.ts';

const stored = (fromMe: boolean) => ({
  id: 'a',
  chat: '1@s.whatsapp.net',
  author: '2@s.whatsapp.net',
  fromMe,
  timestamp: 0,
  content: { imageMessage: { fileEncSha256: Buffer.of(1, 255) } },
});
const receipt = (type: string) => ({ tag: 'receipt', attrs: { id: 'a', from: '1@s.whatsapp.net', type } });

test('a receipt that says that the media is gone names the upload of our message', async () => {
  const find = async () => stored(true);
  assert.equal(await findGoneMedia(receipt('server-error'), { find }), '01ff');
  assert.equal(await findGoneMedia(receipt('retry'), { find }), undefined);
});

test('what is not ours, not kept or not readable names none', async () => {
  const node = receipt('server-error');
  assert.equal(await findGoneMedia(node, { find: async () => stored(false) }), undefined);
  assert.equal(await findGoneMedia(node, { find: async () => undefined }), undefined);
  assert.equal(await findGoneMedia(node, { find: () => Promise.reject(new Error('no Redis')) }), undefined);
});
