import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { generateMessageIDV2 } from '@whiskeysockets/baileys';
import { waitForAck } from '../baileys-client.fixture.ts';
import { startLinkedClient } from '../linked-client.fixture.ts';

const picture = () => ({ image: randomBytes(200_000), jpegThumbnail: 'AA==', width: 10, height: 10 });

test('an upload that is reset fails the send of a real client, and the next one works', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t);
  simulator.faults.add({ kind: 'upload_reset' });
  await assert.rejects(socket.sendMessage(friend.jid, picture()), /upload failed on all hosts/);
  assert.equal(simulator.stats().media.uploads, 0);
  const id = generateMessageIDV2(socket.user?.id);
  await socket.sendMessage(friend.jid, picture(), { messageId: id });
  assert.equal((await friend.waitFor((message) => message.id === id)).error, undefined);
});

test('an upload that is never answered ends by the limit a client sets itself', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t);
  const hanging = simulator.faults.add({ kind: 'upload_hang', device: '6281100000001' });
  await assert.rejects(
    socket.sendMessage(friend.jid, picture(), { mediaUploadTimeoutMs: 200 }),
    /upload failed on all hosts/,
  );
  assert.deepEqual(
    simulator.faults.list().map(({ id, hits }) => [id, hits]),
    [[hanging, 1]],
  );
});

test('a slow upload delays the message and nothing else', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t);
  simulator.faults.add({ kind: 'upload_slow', delayMs: 300 });
  const [slow, fast] = [generateMessageIDV2(), generateMessageIDV2()];
  const order: string[] = [];
  const acks = [slow, fast].map((id) => waitForAck(socket, id).then(() => order.push(id)));
  const sending = socket.sendMessage(friend.jid, picture(), { messageId: slow });
  await socket.sendMessage(friend.jid, { text: 'quick' }, { messageId: fast });
  await Promise.all([sending, ...acks]);
  assert.deepEqual(order, [fast, slow]);
});
