import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { generateMessageIDV2, type WASocket } from '@whiskeysockets/baileys';
import { openClient, pairClient, waitForAck } from './baileys-client.fixture.ts';
import { startLinkedClient } from './linked-client.fixture.ts';

const jpegThumbnail = Buffer.from('a thumbnail').toString('base64');

async function sendImage(socket: WASocket, to: string, image: Buffer, id = generateMessageIDV2(socket.user?.id)) {
  const acked = waitForAck(socket, id);
  const content = { image, caption: 'hello', jpegThumbnail, width: 10, height: 20 };
  await socket.sendMessage(to, content, { messageId: id });
  return { id, ack: await acked };
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test('an image to a person is acked, and the phone decrypts, downloads and verifies it', async (t) => {
  const { own, friend, socket, simulator } = await startLinkedClient(t);
  const image = randomBytes(20_000);
  const { id, ack } = await sendImage(socket, friend.jid, image);
  assert.equal(ack['from'], friend.jid);
  assert.equal(ack['error'], undefined);
  const got = await friend.waitFor((message) => message.id === id);
  assert.equal(got.error, undefined);
  assert.equal(got.sha256, sha256(image));
  assert.ok(got.bytes?.equals(image));
  assert.deepEqual(
    { from: got.from, chat: got.chat, type: got.type, caption: got.caption, width: got.width, height: got.height },
    { from: own.number, chat: own.jid, type: 'image', caption: 'hello', width: 10, height: 20 },
  );
  assert.equal(got.thumbnail?.toString(), 'a thumbnail');
  assert.deepEqual([got.copies, got.decryptedBy, got.fromMe], [1, 1, false]);
  const copy = await own.waitFor((message) => message.id === id);
  assert.deepEqual([copy.fromMe, copy.chat, copy.sha256], [true, friend.jid, got.sha256]);
  assert.equal(simulator.stats().media.downloads, 1, 'the same upload is downloaded once');
});

test('a person is reached by LID as well', async (t) => {
  const { own, friend, socket } = await startLinkedClient(t);
  const image = randomBytes(1_000);
  const { id, ack } = await sendImage(socket, friend.lid, image);
  assert.deepEqual([ack['from'], ack['error']], [friend.lid, undefined]);
  const got = await friend.waitFor((message) => message.id === id);
  assert.deepEqual([got.from, got.chat, got.sha256], [own.number, own.lid, sha256(image)]);
  await own.waitFor((message) => message.id === id && message.chat === friend.lid);
});

test('every device of the recipient decrypts', async (t) => {
  const { friend, socket } = await startLinkedClient(t, { companions: 2 });
  const { id } = await sendImage(socket, friend.jid, randomBytes(1_000));
  const got = await friend.waitFor((message) => message.id === id && message.decryptedBy === 3);
  assert.equal(got.copies, 1);
});

test('a real client linked to the recipient receives too', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t);
  const peer = await openClient(simulator, await pairClient(simulator, friend));
  t.after(() => peer.end(undefined));
  const upserted = new Promise<string | null | undefined>((resolve) => {
    peer.ev.on('messages.upsert', ({ messages: [message] }) => resolve(message?.message?.imageMessage?.caption));
  });
  await sendImage(socket, friend.jid, randomBytes(1_000));
  assert.equal(await upserted, 'hello');
});

for (const addressing of ['lid', 'pn'] as const) {
  test(`a group addressed by ${addressing} is reached by sender keys, message after message`, async (t) => {
    const { simulator, own, friend, socket } = await startLinkedClient(t, { companions: 1 });
    const third = simulator.addPhone({ number: '6281100000003' });
    const members = [own.number, friend.number, third.number];
    const group = simulator.addGroup({ subject: 'Group', members, addressing });
    for (let count = 0; count < 3; count += 1) {
      const image = randomBytes(1_000);
      const { id, ack } = await sendImage(socket, group.jid, image);
      assert.equal(ack['error'], undefined);
      const got = await third.waitFor((message) => message.id === id);
      assert.deepEqual([got.from, got.chat, got.error, got.sha256], [own.number, group.jid, undefined, sha256(image)]);
      await friend.waitFor((message) => message.id === id && message.decryptedBy === 2);
      await own.waitFor((message) => message.id === id && message.fromMe);
    }
  });
}

test('a message to a number that is not registered is acked and reaches nobody', async (t) => {
  const { simulator, socket } = await startLinkedClient(t);
  const { ack } = await sendImage(socket, '6281199999999@s.whatsapp.net', randomBytes(100));
  assert.equal(ack['error'], undefined);
  assert.equal(simulator.stats().messages.acked, 1);
});

test('view once, forwarded, timer, quote and mentions arrive', async (t) => {
  const { own, friend, socket } = await startLinkedClient(t);
  const quoted = { key: { remoteJid: friend.jid, id: 'QUOTED', fromMe: true }, message: { conversation: 'before' } };
  const sent = await socket.sendMessage(
    friend.jid,
    {
      image: randomBytes(100),
      viewOnce: true,
      jpegThumbnail,
      contextInfo: { isForwarded: true, forwardingScore: 2, mentionedJid: [own.jid] },
    },
    { quoted, ephemeralExpiration: 86_400 },
  );
  const got = await friend.waitFor((message) => message.id === sent?.key.id);
  assert.deepEqual(
    [got.viewOnce, got.forwarded, got.forwardingScore, got.ephemeralSeconds, got.mentions],
    [true, true, 2, 86_400, [own.jid]],
  );
  assert.deepEqual([got.quoted?.id, got.quoted?.text], ['QUOTED', 'before']);
});
