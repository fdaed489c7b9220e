import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { within } from '@postern/runtime';
import { generateMessageIDV2, type WAMessage, type WASocket } from '@whiskeysockets/baileys';
import { connectClient, createClientAuth, statusOf, waitForAck, waitForUpdate } from '../baileys-client.fixture.ts';
import { startLinkedClient } from '../linked-client.fixture.ts';
import { control } from './control-client.fixture.ts';

const TIMEOUT_MS = 10_000;

function received(socket: WASocket): Promise<WAMessage> {
  const first = new Promise<WAMessage>((resolve) => {
    socket.ev.on('messages.upsert', ({ messages }) => {
      const inbound = messages.find(({ key }) => !key.fromMe);
      if (inbound) resolve(inbound);
    });
  });
  return within(first, TIMEOUT_MS, () => new Error('no message came'));
}

function receiptOf(socket: WASocket, id: string, type: string): Promise<void> {
  const came = new Promise<void>((resolve) => {
    socket.ws.on('CB:receipt', ({ attrs }: { attrs: Record<string, string> }) => {
      if (attrs['id'] === id && attrs['type'] === type) resolve();
    });
  });
  return within(came, TIMEOUT_MS, () => new Error(`no ${type} receipt came`));
}

test('a picture a phone received is listed, served as it was sent, and read on demand', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t, { controlPort: 0 });
  const id = generateMessageIDV2(socket.user?.id);
  const image = randomBytes(5_000);
  const jpegThumbnail = Buffer.from('thumb').toString('base64');
  const size = { jpegThumbnail, width: 10, height: 20, mimetype: 'image/png' };
  await socket.sendMessage(friend.jid, { image, caption: 'hello', ...size }, { messageId: id });
  await friend.waitFor((message) => message.id === id);

  const path = `/phones/${friend.number}/messages`;
  const { json } = await control(simulator.controlUrl, 'GET', `${path}/${id}`);
  assert.deepEqual((await control(simulator.controlUrl, 'GET', `${path}?limit=1`)).json['messages'], [json]);
  assert.equal(json['caption'], 'hello');
  assert.equal(json['imagePath'], `${path}/${id}/image`);
  const picture = await control(simulator.controlUrl, 'GET', json['imagePath']);
  assert.ok(picture.bytes.equals(image));
  assert.equal(picture.headers.get('content-type'), 'image/png');
  const thumbnail = await control(simulator.controlUrl, 'GET', String(json['thumbnailPath']));
  assert.equal(thumbnail.bytes.toString(), 'thumb');

  const read = receiptOf(socket, id, 'read');
  assert.equal((await control(simulator.controlUrl, 'POST', `${path}/${id}/read`)).status, 204);
  await read;
  assert.equal((await control(simulator.controlUrl, 'GET', `${path}/${id}`)).json['receipt'], 'read');
  const retry = receiptOf(socket, id, 'retry');
  assert.equal((await control(simulator.controlUrl, 'POST', `${path}/${id}/retry`)).status, 204);
  await retry;
});

test('a phone sends what it is told to, and a client receives it', async (t) => {
  const { simulator, own, friend, socket } = await startLinkedClient(t, { controlPort: 0 });
  const message = received(socket);
  const sent = await control(simulator.controlUrl, 'POST', `/phones/${friend.number}/send`, {
    to: own.number,
    text: 'good morning',
  });
  assert.equal(sent.status, 200);
  const { key, message: content } = await message;
  assert.equal(key.id, sent.json['id']);
  assert.equal(content?.extendedTextMessage?.text, 'good morning');
  const unknown = await control(simulator.controlUrl, 'POST', `/phones/${friend.number}/send`, {
    to: '6289',
    text: 'x',
  });
  assert.equal(unknown.status, 422);
});

test('a fault set by the API strikes the client', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t, { controlPort: 0 });
  const id = generateMessageIDV2(socket.user?.id);
  await control(simulator.controlUrl, 'POST', '/faults', { kind: 'nack', error: 463, messageId: id });
  const acked = waitForAck(socket, id);
  await socket.sendMessage(friend.jid, { text: 'hello' }, { messageId: id });
  assert.equal((await acked)['error'], '463');
  assert.equal(simulator.faults.list()[0]?.hits, 1);
});

test('a connection is closed with a code, and a device is unlinked', async (t) => {
  const { simulator, own, auth, socket } = await startLinkedClient(t, { controlPort: 0 });
  const [device = ''] = own.linked();
  const listed = await control(simulator.controlUrl, 'GET', '/connections');
  assert.deepEqual(
    (listed.json['connections'] as { device: string }[]).map((connection) => connection.device),
    [device],
  );
  const closed = waitForUpdate(socket, ({ connection }) => connection === 'close');
  const path = `/connections/${encodeURIComponent(device)}/close`;
  assert.equal((await control(simulator.controlUrl, 'POST', path, { code: 503 })).status, 204);
  assert.equal(statusOf(await closed), 503);

  assert.equal((await control(simulator.controlUrl, 'DELETE', `/devices/${encodeURIComponent(device)}`)).status, 204);
  assert.deepEqual(own.linked(), []);
  const refused = connectClient(simulator, auth);
  t.after(() => refused.end(undefined));
  assert.equal(statusOf(await waitForUpdate(refused, ({ connection }) => connection === 'close')), 401);
});

test('a phone scans the QR that a client shows', async (t) => {
  const { simulator, friend } = await startLinkedClient(t, { controlPort: 0 });
  const client = connectClient(simulator, createClientAuth());
  t.after(() => client.end(undefined));
  const { qr } = await waitForUpdate(client, (update) => update.qr !== undefined);
  const scanned = await control(simulator.controlUrl, 'POST', `/phones/${friend.number}/scan`, { qr });
  assert.equal(scanned.status, 200);
  assert.deepEqual(friend.linked(), [scanned.json['device']]);
});
