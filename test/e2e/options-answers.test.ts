import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Phone, RelayedMessage } from '@postern/simulator';
import { request } from '../support/api.ts';
import { type ImageServer, startImageServer } from '../support/image-server.ts';
import { assertSent, readMessage, untilState } from '../support/message-status.ts';
import { photo, sha256 } from '../support/pictures.ts';
import { type Answer, sendImage, sendImageJson, toAnswer } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';

const OWN = '6280000000001';

let stack: Stack;
let web: ImageServer;
let friend: Phone;
let deviceJid: string;
let image: Buffer;
const stanzas: RelayedMessage[] = [];
before(async () => {
  web = await startImageServer();
  stack = await startStack();
  [deviceJid = ''] = (await stack.pair('my-device', OWN)).linked();
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  stack.simulator.onMessage((stanza) => stanzas.push(stanza));
  image = await photo(120, 80);
});
after(async () => {
  await stack.stop();
  await web.stop();
});

/** A phone that tells nothing, so that only the ack ends its messages. */
const addQuietPhone = (number: string) => stack.simulator.addPhone({ number, autoReceipts: 'none' });
const send = (headers: Record<string, string> = {}): Promise<Answer> =>
  sendImage(stack.url, 'my-device', { phone: friend.number, image }, headers);
const post = async (body: string | FormData, headers: Record<string, string>, query = ''): Promise<Answer> =>
  toAnswer(await fetch(`${stack.url}/send/image${query}`, { method: 'POST', headers, body }));

function assertQueued(answer: Answer, applied: string | null): string {
  const { message_id: messageId } = answer.results;
  assert.deepEqual([answer.status, answer.code, answer.message], [202, 'ACCEPTED', 'Queued']);
  const location = `/messages/${String(messageId)}`;
  assert.deepEqual(answer.results, { message_id: messageId, status: 'queued', status_url: location });
  assert.equal(answer.headers.get('location'), location);
  assert.equal(answer.headers.get('preference-applied'), applied);
  return location;
}

async function assertShown(answer: Answer): Promise<void> {
  const id = assertSent(answer);
  const received = await friend.waitFor((message) => message.id === id);
  assert.deepEqual([received.error, received.sha256], [undefined, sha256(image)]);
}

test('respond-async answers 202 at once; its Location tells sent, delivered and read', async () => {
  stack.simulator.faults.add({ kind: 'delay_ack', delayMs: 300 });
  const location = assertQueued(await send({ Prefer: 'respond-async' }), 'respond-async');
  const id = location.slice('/messages/'.length);
  await untilState(stack.url, id, 'delivered');
  friend.read(id);
  const told = await untilState(stack.url, id, 'read');
  const { results } = await request(stack.url, 'GET', location);
  assert.deepEqual(results, told);
  const { message_id, device_id, phone, attempts, error } = told;
  assert.deepEqual([message_id, device_id, phone, attempts, error], [id, 'my-device', friend.jid, 1, undefined]);
  const [created = 0, sent = 0, delivered = 0, read = 0] = ['created_at', 'sent_at', 'delivered_at', 'read_at'].map(
    (name) => Date.parse(String(told[name])),
  );
  // Although WhatsApp tells its times in whole seconds.
  assert.ok(created <= sent && sent <= delivered && delivered <= read, JSON.stringify(told));
});

test('every message becomes delivered although receipts follow the ack at once', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => send()));
  for (const answer of answers) await untilState(stack.url, assertSent(answer), 'delivered');
});

test('wait=N bounds the wait; the message goes on under the same id, and nothing is resent', async () => {
  stack.simulator.faults.add({ kind: 'delay_ack', delayMs: 2_500 });
  const started = performance.now();
  const { number } = addQuietPhone('6281234567891');
  const queued = await sendImage(stack.url, 'my-device', { phone: number, image }, { Prefer: 'wait=1' });
  const location = assertQueued(queued, 'wait=1');
  assert.ok(performance.now() - started < 2_400);
  const id = location.slice('/messages/'.length);
  await untilState(stack.url, id, 'sent');
  assert.equal(stanzas.filter((stanza) => stanza.id === id).length, 1);
});

test('wait=0 and respond-async with a wait that suffices are honoured and named', async () => {
  assertQueued(await send({ Prefer: 'wait=0' }), 'wait=0');
  const answer = await send({ Prefer: 'respond-async, wait=20' });
  await assertShown(answer);
  assert.equal(answer.headers.get('preference-applied'), 'wait=20');
  const ignored = await send({ Prefer: 'wait=soon, handling=lenient' });
  await assertShown(ignored);
  assert.equal(ignored.headers.get('preference-applied'), null);
});

test('without a preference the gateway waits for SYNC_WAIT_MS', async () => {
  const gateway = await stack.startGateway({ SYNC_WAIT_MS: '300' });
  stack.simulator.faults.add({ kind: 'delay_ack', delayMs: 1_000 });
  const { number } = addQuietPhone('6281234567892');
  const url = `http://127.0.0.1:${String(gateway.ready['port'])}`;
  const location = assertQueued(await sendImage(url, 'my-device', { phone: number, image }), null);
  const { results, headers } = await readMessage(stack.url, location.slice('/messages/'.length), 10);
  assert.ok(['sending', 'sent'].includes(String(results['state'])));
  assert.equal(headers.get('preference-applied'), 'wait=10');
});

test('an image comes by URL in JSON, in a urlencoded form and in a multipart form', async () => {
  // The type that the server states, and the name, mean nothing.
  const image_url = web.serve('/picture.txt', image, 'text/plain');
  await assertShown(await sendImageJson(stack.url, 'my-device', { phone: friend.number, image_url, caption: 'json' }));
  const fields = { phone: friend.number, image_url, caption: 'héllo & 100% = 🎈\nsecond line' };
  const encoded = await post(new URLSearchParams(fields).toString(), {
    'X-Device-Id': 'my-device',
    'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
  });
  await assertShown(encoded);
  const received = friend.received.find(({ id }) => id === encoded.results['message_id']);
  assert.equal(received?.caption, fields.caption);
  await assertShown(await sendImage(stack.url, 'my-device', { phone: friend.number, image_url }));
  assert.equal(web.hits('/picture.txt'), 3);
});

test('JSON takes numbers, booleans and lists as they are, and null as absent', async () => {
  const image_url = web.serve('/typed.jpg', image);
  const mentions = ['6281111111111', '+62 822-2222-2222'];
  const fields = { is_forwarded: true, view_once: 0, duration: 86_400, mentions, ttl: 60, hd: null, caption: null };
  const answer = await sendImageJson(stack.url, 'my-device', { phone: friend.number, image_url, ...fields, odd: {} });
  await assertShown(answer);
  const received = friend.received.find(({ id }) => id === answer.results['message_id']);
  assert.deepEqual(
    [received?.forwarded, received?.viewOnce, received?.ephemeralSeconds, received?.mentions],
    [true, false, 86_400, ['6281111111111@s.whatsapp.net', '6282222222222@s.whatsapp.net']],
  );
});

test('another content type, broken JSON and a damaged form are refused', async () => {
  const device = { 'X-Device-Id': 'my-device' };
  const refused = [
    await post('phone=1', { ...device, 'Content-Type': 'text/plain' }),
    await post('{"phone":', { ...device, 'Content-Type': 'application/json' }),
    await post('[]', { ...device, 'Content-Type': 'application/json' }),
    await post('--x\r\nnothing', { ...device, 'Content-Type': 'multipart/form-data; boundary=x' }),
    await post('', { ...device, 'Content-Type': 'multipart/form-data' }),
  ];
  for (const answer of refused) assert.deepEqual([answer.status, answer.code], [400, 'VALIDATION_ERROR']);
});

test('the device is named by header, URL-encoded or not, by query, by its JIDs, or not at all when it is the only one', async () => {
  const image_url = web.serve('/addressed.jpg', image);
  const body = JSON.stringify({ phone: friend.number, image_url });
  const json = { 'Content-Type': 'application/json' };
  const bare = `${OWN}@s.whatsapp.net`;
  for (const name of ['my-device', 'my%2Ddevice', deviceJid, encodeURIComponent(deviceJid), bare]) {
    await assertShown(await post(body, { ...json, 'X-Device-Id': name }));
    await assertShown(await post(body, json, `?device_id=${encodeURIComponent(decodeURIComponent(name))}`));
  }
  await assertShown(await post(body, { ...json, 'X-Device-Id': 'my-device' }, '?device_id=another'));
  await assertShown(await post(body, json));

  const unknown = await post(body, { ...json, 'X-Device-Id': 'nobody' });
  assert.deepEqual([unknown.status, unknown.code], [404, 'DEVICE_NOT_FOUND']);
  assert.deepEqual(unknown.results, { device_id: 'nobody' });
  await request(stack.url, 'POST', '/devices', { device_id: 'second' });
  const unnamed = await post(body, json);
  assert.deepEqual([unnamed.status, unnamed.code], [400, 'DEVICE_ID_REQUIRED']);
  await assertShown(await post(body, { ...json, 'X-Device-Id': 'my-device' }));
});

test('every answer carries the request id, echoed or made', async () => {
  const echoed = await send({ 'X-Request-Id': 'my-request-42' });
  assert.equal(echoed.headers.get('x-request-id'), 'my-request-42');
  assert.match((await send()).headers.get('x-request-id') ?? '', /^[\w-]{8,}$/);
});
