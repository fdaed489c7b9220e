import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import jsqr from 'jsqr';
import { PNG } from 'pngjs';
import { readConnection, request, untilConnection } from '../support/api.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { assertAcceptedFailure, assertNothingLeft, assertSent, readMessage } from '../support/message-status.ts';
import { sendImage, toAnswer } from '../support/send-image.ts';
import { readEvents } from '../support/server-sent-events.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

let stack: Stack;
let friend: Phone;
let image: Buffer;
let lastNumber = 6281100000000;

before(async () => {
  stack = await startStack();
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  image = await createPicture();
});
after(() => stack.stop());

function newPhone(): Phone {
  lastNumber += 1;
  return stack.simulator.addPhone({ number: String(lastNumber) });
}

async function addDevice(deviceId: string): Promise<void> {
  assert.equal((await request(stack.url, 'POST', '/devices', { device_id: deviceId })).status, 200);
}

const send = (deviceId: string, headers = {}) =>
  sendImage(stack.url, deviceId, { phone: friend.number, image }, headers);
const login = (deviceId: string) => request(stack.url, 'GET', `/devices/${deviceId}/login`);

async function readQr(link: string): Promise<string | undefined> {
  const response = await fetch(link);
  assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'image/png']);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const { data, width, height } = PNG.sync.read(Buffer.from(await response.arrayBuffer()));
  return jsqr.default(new Uint8ClampedArray(data), width, height)?.data;
}

test('the QR of a login, its picture, and what a forged or expired link gets', async () => {
  await addDevice('by-qr');
  const unpaired = await send('by-qr');
  assert.deepEqual([unpaired.status, unpaired.code], [500, 'DEVICE_NOT_CONNECTED']);
  const { status, results } = await login('by-qr');
  assert.equal(status, 200);
  const { qr, qr_link: link, qr_duration: seconds } = results as { qr: string; qr_link: string; qr_duration: number };
  assert.ok(seconds > 40 && seconds <= 60);
  assert.equal(await readQr(link), qr);
  assert.equal((await login('by-qr')).results['qr'], qr);
  const forged = [
    ['signature', 'AAAA'],
    ['expires', String(Date.now() + 3_600_000)],
    ['expires', String(Date.now() - 1_000)],
  ] as const;
  for (const [name, value] of forged) {
    const url = new URL(link);
    url.searchParams.set(name, value);
    assert.equal((await fetch(url)).status, 404, name);
  }
  const other = link.replace('/by-qr/', '/other/');
  assert.equal((await fetch(other)).status, 404);

  await newPhone().scan(qr);
  await untilConnection(stack.url, 'by-qr', 'connected');
  // Nothing shows it any more.
  assert.equal((await fetch(link)).status, 404);
  assert.equal(await stack.redis.exists('postern:{by-qr}:qr'), 0);
  const again = await login('by-qr');
  assert.deepEqual([again.status, again.code], [409, 'ALREADY_LOGGED_IN']);
  const byCode = await request(stack.url, 'POST', '/devices/by-qr/login/code?phone=6281100000001');
  assert.deepEqual([byCode.status, byCode.code], [409, 'ALREADY_LOGGED_IN']);
  assertSent(await send('by-qr'));
});

test('a phone that scans a QR nobody shows any more is not linked', async () => {
  await addDevice('stale');
  const qr = String((await login('stale')).results['qr']);
  const [ref = '', ...keys] = qr.split(',');
  await assert.rejects(newPhone().scan([`${ref}x`, ...keys].join(',')));
  assert.equal((await readConnection(stack.url, 'stale')).state, 'pairing');
  await newPhone().scan(qr);
  await untilConnection(stack.url, 'stale', 'connected');
});

test('the stream of a login shows a QR and says that it was paired; the stream of a paired device is refused', async () => {
  await addDevice('streamed');
  const events: string[] = [];
  const phone = newPhone();
  for await (const { event, fields } of readEvents(`${stack.url}/devices/streamed/login/stream`)) {
    events.push(event);
    if (event === 'qr') {
      assert.ok(Number(fields['expires_in']) > 0);
      await phone.scan(String(fields['qr']));
    } else {
      assert.equal(fields['device_id'], 'streamed');
      assert.equal(fields['jid'], phone.linked()[0]);
    }
  }
  assert.deepEqual(events, ['qr', 'paired']);
  await untilConnection(stack.url, 'streamed', 'connected');
  const refused = await toAnswer(await fetch(`${stack.url}/devices/streamed/login/stream`));
  assert.deepEqual([refused.status, refused.code], [409, 'ALREADY_LOGGED_IN']);
});

test('a pairing code links the account it was asked for', async () => {
  await addDevice('by-code');
  const path = '/devices/by-code/login/code';
  assert.equal((await request(stack.url, 'POST', path)).code, 'VALIDATION_ERROR');
  assert.equal((await request(stack.url, 'POST', `${path}?phone=0812`)).code, 'VALIDATION_ERROR');
  const phone = newPhone();
  const { status, results } = await request(stack.url, 'POST', `${path}?phone=%2B${phone.number}`);
  assert.deepEqual([status, results['device_id']], [200, 'by-code']);
  await assert.rejects(phone.linkByCode('AAAAAAAA'));
  await phone.linkByCode(String(results['pair_code']));
  await untilConnection(stack.url, 'by-code', 'connected');
  assertSent(await send('by-code'));
});

test('logging out unlinks the device at WhatsApp, drops its credentials, and allows a new login', async () => {
  await addDevice('leaving');
  const phone = newPhone();
  await phone.scan(String((await login('leaving')).results['qr']));
  await untilConnection(stack.url, 'leaving', 'connected');
  const [jid = ''] = phone.linked();
  assert.equal(
    (await request(stack.url, 'GET', `/devices/${encodeURIComponent(jid)}`)).results['device_id'],
    'leaving',
  );
  assert.equal((await request(stack.url, 'POST', '/devices/leaving/logout')).status, 200);
  assert.deepEqual(phone.linked(), []);
  assert.equal((await readConnection(stack.url, 'leaving')).state, 'logged_out');
  const keys = await stack.redis.keys('postern:{leaving}:*');
  assert.deepEqual(
    keys.filter((key) => /:(credentials|signal:|content:|timers)/.test(key)),
    [],
  );
  const refused = await send('leaving');
  assert.deepEqual([refused.status, refused.code], [500, 'DEVICE_NOT_CONNECTED']);
  await waitUntil('its account is forgotten', async () => {
    const { results } = await request(stack.url, 'GET', '/devices/leaving');
    return results['jid'] === undefined;
  });
  // Another account than before.
  const next = newPhone();
  await next.scan(String((await login('leaving')).results['qr']));
  await untilConnection(stack.url, 'leaving', 'connected');
  assert.equal((await request(stack.url, 'GET', '/devices/leaving')).results['jid'], next.linked()[0]);
  const id = assertSent(await send('leaving'));
  assert.equal((await friend.waitFor((message) => message.id === id)).from, next.number);
});

test('reconnect opens a new socket with the same login', async () => {
  await addDevice('moving');
  const unpaired = await request(stack.url, 'POST', '/devices/moving/reconnect');
  assert.deepEqual([unpaired.status, unpaired.code], [500, 'DEVICE_NOT_CONNECTED']);
  const phone = newPhone();
  await phone.scan(String((await login('moving')).results['qr']));
  await untilConnection(stack.url, 'moving', 'connected');
  const connectedAt = () =>
    stack.simulator.connections().find(({ device }) => device === phone.linked()[0])?.connectedAt ?? 0;
  const firstAt = connectedAt();
  assert.equal((await request(stack.url, 'POST', '/devices/moving/reconnect')).status, 200);
  assertSent(await send('moving'));
  assert.ok(connectedAt() > firstAt);
});

test('deleting a device logs it out and ends what waits for it with DEVICE_DELETED', async () => {
  await addDevice('doomed');
  const phone = newPhone();
  await phone.scan(String((await login('doomed')).results['qr']));
  await untilConnection(stack.url, 'doomed', 'connected');
  const [jid = ''] = phone.linked();
  const refusing = stack.simulator.faults.add({ kind: 'stream_error', device: jid, code: 503, count: null });
  stack.simulator.closeDevice(jid);
  await waitUntil('it is offline', async () => (await readConnection(stack.url, 'doomed')).state !== 'connected');
  const queued = await Promise.all(Array.from({ length: 12 }, () => send('doomed', { Prefer: 'respond-async' })));
  const waiting = send('doomed');
  await waitUntil('all are queued', async () => (await stack.leftovers('doomed')).waiting === 13);
  assert.equal((await request(stack.url, 'DELETE', '/devices/doomed')).status, 200);
  await assertAcceptedFailure(stack, 'doomed', await waiting, { status: 500, code: 'DEVICE_DELETED' });
  for (const { results } of queued) {
    const { results: message } = await readMessage(stack.url, results['message_id']);
    assert.deepEqual([message['state'], (message['error'] as { code: string }).code], ['failed', 'DEVICE_DELETED']);
  }
  await assertNothingLeft(stack, 'doomed');
  assert.equal((await request(stack.url, 'GET', '/devices/doomed')).code, 'DEVICE_NOT_FOUND');
  assert.equal((await send('doomed')).code, 'DEVICE_NOT_FOUND');
  // What became of its messages can still be read, and a new device of this name goes on with the next epoch; for a while.
  const kept = await stack.redis.keys('postern:{doomed}:*');
  assert.deepEqual(
    kept.filter((key) => !/:(message:.*|last-holder)$/.test(key)),
    [],
  );
  for (const key of kept) assert.ok((await stack.redis.pttl(key)) > 0, key);
  stack.simulator.faults.remove(refusing);
});
