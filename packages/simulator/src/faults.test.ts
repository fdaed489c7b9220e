import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { within } from '@postern/runtime';
import type { WASocket } from '@whiskeysockets/baileys';
import { connectClient, openClient, statusOf, until, waitForAck, waitForUpdate } from './baileys-client.fixture.ts';
import { startLinkedClient } from './linked-client.fixture.ts';

const closing = (socket: WASocket) => waitForUpdate(socket, ({ connection }) => connection === 'close');

test('close_before_ack closes the socket and the message is lost', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t);
  simulator.faults.add({ kind: 'close_before_ack', to: friend.jid });
  const closed = closing(socket);
  await socket.sendMessage(friend.jid, { text: 'lost' }, { messageId: 'LOST' });
  assert.equal(statusOf(await closed), 428);
  assert.deepEqual([simulator.stats().messages.lost, friend.received], [1, []]);
});

test('close_after_ack closes the socket once the ack is out', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t);
  simulator.faults.add({ kind: 'close_after_ack', messageId: 'SENT' });
  const closed = closing(socket);
  const acked = waitForAck(socket, 'SENT');
  await socket.sendMessage(friend.jid, { text: 'sent' }, { messageId: 'SENT' });
  await acked;
  await closed;
  await friend.waitFor(({ id }) => id === 'SENT');
});

test('drop_ack relays without an ack, delay_ack acks later, nack refuses', async (t) => {
  const { simulator, friend, auth, socket } = await startLinkedClient(t);
  const device = auth.creds.me?.id ?? '';
  const relayed: string[] = [];
  simulator.onMessage(({ id, outcome, attempts, error }) =>
    relayed.push(`${id} ${outcome} ${attempts} ${error ?? ''}`.trim()),
  );
  simulator.faults.add({ kind: 'drop_ack', device });
  simulator.faults.add({ kind: 'delay_ack', device, messageId: 'LATE', delayMs: 200 });
  simulator.faults.add({ kind: 'nack', to: friend.jid, messageId: 'REFUSED', error: 463 });
  let acks = 0;
  socket.ws.on('CB:ack,class:message', () => {
    acks += 1;
  });
  const send = (messageId: string) => socket.sendMessage(friend.jid, { text: messageId }, { messageId });
  await send('DROPPED');
  await friend.waitFor(({ id }) => id === 'DROPPED');
  const late = waitForAck(socket, 'LATE');
  const startedAt = performance.now();
  await send('LATE');
  await friend.waitFor(({ id }) => id === 'LATE');
  assert.equal(acks, 0);
  await late;
  assert.ok(performance.now() - startedAt >= 195);
  const refused = waitForAck(socket, 'REFUSED');
  await send('REFUSED');
  assert.equal((await refused)['error'], '463');
  const again = waitForAck(socket, 'DROPPED');
  await send('DROPPED');
  await again;
  await friend.waitFor(({ id, copies }) => id === 'DROPPED' && copies === 2);
  assert.deepEqual(relayed, ['DROPPED unacked 1', 'LATE acked 1', 'REFUSED nacked 1 463', 'DROPPED acked 2']);
  assert.equal(
    friend.received.some(({ id }) => id === 'REFUSED'),
    false,
  );
});

test('stream errors and closes strike on connect', async (t) => {
  const { simulator, auth, socket } = await startLinkedClient(t);
  await socket.end(undefined);
  for (const code of [440, 401, 515, 503]) {
    simulator.faults.add({ kind: 'stream_error', code });
    assert.equal(statusOf(await closing(connectClient(simulator, auth))), code);
  }
  simulator.faults.add({ kind: 'close' });
  assert.equal(statusOf(await closing(connectClient(simulator, auth))), 428);
  simulator.faults.add({ kind: 'upgrade_status', status: 503 });
  const refused = connectClient(simulator, auth);
  t.after(() => refused.end(undefined));
  const answered = new Promise<number | undefined>((resolve) => {
    refused.ws.on('unexpected-response', (_request: unknown, response: { statusCode?: number }) =>
      resolve(response.statusCode),
    );
  });
  assert.equal(await within(answered, 5_000, () => new Error('no answer')), 503);
  const healthy = await openClient(simulator, auth);
  await healthy.end(undefined);
});

test('a stream error strikes on the query it names', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t);
  simulator.faults.add({ kind: 'stream_error', code: 440 });
  assert.equal((await socket.onWhatsApp(friend.jid))?.length, 1, 'one that names no query waits for a login');
  simulator.faults.add({ kind: 'stream_error', code: 503, xmlns: 'usync' });
  const closed = closing(socket);
  void socket.onWhatsApp(friend.jid).catch(() => undefined);
  assert.equal(statusOf(await closed), 503);
});

test('a session can be ended from outside', async (t) => {
  const { simulator, auth, socket } = await startLinkedClient(t);
  const device = auth.creds.me?.id ?? '';
  const closed = closing(socket);
  assert.equal(simulator.closeDevice(device, 503), true);
  assert.equal(statusOf(await closed), 503);
  await until(() => simulator.connections().length === 0);
  const again = await openClient(simulator, auth);
  const broken = closing(again);
  assert.equal(simulator.closeDevice(device), true);
  assert.equal(statusOf(await broken), 428);
  assert.equal(simulator.closeDevice('62811:1@s.whatsapp.net'), false);
});

test('a query is left unanswered or fails', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t, {}, { defaultQueryTimeoutMs: 300 });
  simulator.faults.add({ kind: 'iq_silence', xmlns: 'usync' });
  assert.equal(await socket.onWhatsApp(friend.jid), undefined);
  simulator.faults.add({ kind: 'iq_error', xmlns: 'usync', error: 429 });
  await assert.rejects(socket.onWhatsApp(friend.jid), { data: 429 });
  assert.equal((await socket.onWhatsApp(friend.jid))?.length, 1);
});

test('a frozen connection neither answers nor closes', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t, {}, { defaultQueryTimeoutMs: 300 });
  simulator.faults.add({ kind: 'freeze', xmlns: 'usync' });
  assert.equal(await socket.onWhatsApp(friend.jid), undefined);
  assert.equal(await socket.onWhatsApp(friend.jid), undefined);
  assert.equal(socket.ws.isOpen, true);
});

test('media faults reach the client and the phone', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t);
  const send = () => socket.sendMessage(friend.jid, { image: randomBytes(500), jpegThumbnail: 'AAAA' });
  simulator.faults.add({ kind: 'upload_refuse', status: 500 });
  await assert.rejects(send(), /upload failed/i);
  simulator.faults.add({ kind: 'download_refuse', status: 410 });
  const sent = await send();
  const got = await friend.waitFor(({ id }) => id === sent?.key.id);
  assert.match(got.error ?? '', /410/);
});

test('everything the server writes is delayed by the round trip asked for', async (t) => {
  const { friend, socket } = await startLinkedClient(t, { rttMs: 100 });
  const startedAt = performance.now();
  await socket.onWhatsApp(friend.jid);
  assert.ok(performance.now() - startedAt >= 95);
});
