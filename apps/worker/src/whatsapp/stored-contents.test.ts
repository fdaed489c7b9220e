import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { CONTENT_TTL_MS, connectRedis, createKeys, hasContent } from '@postern/registry';
import type { proto } from '@whiskeysockets/baileys';
import type { Redis } from 'ioredis';
import { createOwnedWriter } from './credentials/owned-writer.ts';
import { RecentWrites } from './credentials/recent-writes.ts';
import { createStateCipher } from './credentials/state-cipher.ts';
import { findRetryContent } from './retry-content.ts';
import { clearContents, createStoredContents, type StoredContent } from './stored-contents.ts';

const TOKEN = 'worker-1#1';
const FRIEND = '628111@s.whatsapp.net';
const keys = createKeys('t');
let server: LocalRedis;
let redis: Redis;

before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
});
after(async () => {
  redis.disconnect();
  await server.stop();
});

async function createContents(deviceId: string, secret?: string) {
  const device = keys.device(deviceId);
  await redis.set(device.lastHolder, TOKEN);
  const writer = createOwnedWriter({
    redis,
    lastHolderKey: device.lastHolder,
    leaseToken: TOKEN,
    recent: new RecentWrites(),
    onLeaseLost: () => {},
  });
  return {
    device,
    writer,
    contents: createStoredContents({ redis, device, writer, cipher: createStateCipher(secret) }),
  };
}

const stored = (id: string, content: proto.IMessage, fromMe = true): StoredContent => ({
  id,
  chat: FRIEND,
  author: fromMe ? '628100:5@s.whatsapp.net' : FRIEND,
  fromMe,
  timestamp: 1_700_000_000,
  content,
});

for (const secret of [undefined, 'a key']) {
  test(`content comes back for 7 days (${secret ? 'encrypted' : 'plain'})`, async () => {
    const { contents, device } = await createContents('d1', secret);
    await contents.save(stored('A', { imageMessage: { caption: 'a caption', fileLength: 5_000_000 } }));
    const found = await contents.find('A');
    assert.deepEqual([found?.chat, found?.fromMe, found?.timestamp], [FRIEND, true, 1_700_000_000]);
    assert.deepEqual(
      [found?.content.imageMessage?.caption, Number(found?.content.imageMessage?.fileLength)],
      ['a caption', 5_000_000],
    );
    const ttlMs = await redis.pttl(device.content('A'));
    assert.ok(ttlMs > CONTENT_TTL_MS - 5000 && ttlMs <= CONTENT_TTL_MS);
    assert.equal((await redis.getBuffer(device.content('A')))?.includes('a caption'), secret === undefined);
    assert.equal(await hasContent(redis, keys, 'd1', 'A'), true);
    assert.equal(await hasContent(redis, keys, 'd1', 'B'), false);
    assert.equal(await hasContent(redis, keys, 'd2', 'A'), false);
    assert.equal(await contents.find('B'), undefined);
  });
}

test('a large thumbnail is left out, and content that is too large is not kept', async () => {
  const { contents } = await createContents('d3');
  const jpegThumbnail = randomBytes(70_000);
  await contents.save(stored('A', { viewOnceMessage: { message: { imageMessage: { caption: 'c', jpegThumbnail } } } }));
  const image = (await contents.find('A'))?.content.viewOnceMessage?.message?.imageMessage;
  assert.deepEqual([image?.caption, image?.jpegThumbnail?.length ?? 0], ['c', 0]);
  await contents.save(stored('B', { conversation: 'x'.repeat(70_000) }, false));
  assert.equal(await contents.find('B'), undefined);
  await contents.save(stored('x'.repeat(200), { conversation: 'x' }, false));
  assert.equal(await contents.find('x'.repeat(200)), undefined);
});

test('a message that arrives under the id of one of ours does not replace it', async () => {
  const { contents } = await createContents('d4');
  await contents.save(stored('A', { conversation: 'ours' }));
  await contents.save(stored('A', { conversation: 'theirs' }, false));
  assert.equal((await contents.find('A'))?.content.conversation, 'ours');
});

test('a retry receipt gets what was sent to its chat, by number or LID, and nothing else', async () => {
  const { contents } = await createContents('d5');
  const lids = { getPNForLID: async (lid: string) => (lid.startsWith('900') ? '628111:0@s.whatsapp.net' : null) };
  await contents.save(stored('A', { conversation: 'ours' }));
  await contents.save(stored('B', { conversation: 'theirs' }, false));
  const ask = async (id: string, remoteJid: string) =>
    (await findRetryContent({ id, remoteJid }, contents, lids))?.conversation ?? undefined;
  assert.equal(await ask('A', FRIEND), 'ours');
  assert.equal(await ask('A', '628111:4@s.whatsapp.net'), 'ours');
  assert.equal(await ask('A', '900:4@lid'), 'ours');
  assert.equal(await ask('A', '628222@s.whatsapp.net'), undefined);
  assert.equal(await ask('A', '901@lid'), undefined);
  assert.equal(await ask('A', '120363000000000001@g.us'), undefined);
  assert.equal(await ask('B', FRIEND), undefined);
});

test("clearing removes one device's contents", async () => {
  const { contents, device, writer } = await createContents('d6');
  const other = await createContents('d66');
  for (let count = 0; count < 30; count += 1) await contents.save(stored(`A${count}`, { conversation: 'x' }));
  await other.contents.save(stored('A', { conversation: 'x' }));
  await clearContents(redis, device, writer);
  assert.deepEqual(await redis.keys(device.content('*')), []);
  assert.equal(await hasContent(redis, keys, 'd66', 'A'), true);
});
