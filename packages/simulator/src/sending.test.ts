import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { generateMessageIDV2 } from '@whiskeysockets/baileys';
import { openClient, pairClient, waitForAck } from './baileys-client.ts';
import { startSimulator } from './simulator.ts';

test('a client paired by QR sends an image that the phone decrypts, downloads and verifies', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const own = simulator.addPhone({ number: '6281100000001', name: 'Own' });
  const friend = simulator.addPhone({ number: '6281100000002', name: 'Friend' });
  const auth = await pairClient(simulator, own);
  const socket = await openClient(simulator, auth);
  t.after(() => socket.end(undefined));
  const id = generateMessageIDV2(socket.user?.id);
  const image = randomBytes(20_000);
  const acked = waitForAck(socket, id);
  await socket.sendMessage(
    friend.jid,
    { image, caption: 'hello', jpegThumbnail: Buffer.from('thumb').toString('base64'), width: 10, height: 20 },
    { messageId: id },
  );
  assert.equal((await acked)['error'], undefined);
  const got = await friend.waitFor((message) => message.id === id);
  assert.equal(got.sha256, createHash('sha256').update(image).digest('hex'));
});
