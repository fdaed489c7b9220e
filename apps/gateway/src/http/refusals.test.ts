import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Failure } from '@postern/contract';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { samplePng } from '../testing/sample-png.ts';
import { type Answer, type FormFields, PHONE, sendForm, sendText, toForm } from '../testing/send-form.ts';

let tested: GatewayUnderTest;
const URL_IMAGE = 'https://example.com/a.jpg';

before(async () => {
  tested = await startGatewayUnderTest({ SYNC_WAIT_MS: '100', LANE_LIMIT: '1', DEVICE_GRACE_MS: '1000' });
});
after(() => tested.stop());
beforeEach(async () => {
  await tested.reset();
  await tested.addDevice('phone');
});

/** A refusal has the code, names the field, and leaves nothing queued and nothing stored. */
async function assertRefused(answer: Answer, status: number, code: string, field?: string): Promise<void> {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.equal(answer.body.code, code);
  assert.ok(answer.headers.get('x-request-id'));
  if (field !== undefined) {
    const errors = (answer.body.results?.['errors'] ?? []) as { field: string }[];
    assert.ok(
      errors.some((error) => error.field === field),
      `${field} is not named in ${JSON.stringify(answer.body)}`,
    );
  }
  assert.equal(await tested.laneSize('phone'), 0);
  assert.deepEqual(await tested.storedFiles(), []);
  assert.deepEqual(await tested.redis.keys('test:message:*'), []);
}

const BROKEN_FIELDS: [name: string, fields: FormFields, field: string][] = [
  ['no phone', { phone: undefined }, 'phone'],
  ['a phone with a leading zero', { phone: '08123456789' }, 'phone'],
  ['a phone of six digits', { phone: '628123' }, 'phone'],
  ['a phone of sixteen digits', { phone: '6281234567890123' }, 'phone'],
  ['a newsletter', { phone: '120363000000000000@newsletter' }, 'phone'],
  ['the status broadcast', { phone: 'status@broadcast' }, 'phone'],
  ['two phones', { phone: [PHONE, PHONE] }, 'phone'],
  ['no image', { image: undefined }, 'image'],
  ['both an image and a URL', { image_url: URL_IMAGE }, 'image'],
  ['text as image', { image: 'hello' }, 'image'],
  ['a file that is no image', { image: Buffer.from('hello, this is text') }, 'image'],
  ['an empty file', { image: Buffer.alloc(0) }, 'image'],
  ['an SVG', { image: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') }, 'image'],
  ['an image of 47 pixels', { image: samplePng(48, 47) }, 'image'],
  ['an image of 16001 pixels', { image: samplePng(16_001, 48) }, 'image'],
  ['an image of more than 16 MiB', { image: Buffer.concat([samplePng(), Buffer.alloc(16 * 1024 * 1024)]) }, 'image'],
  ['a URL of another scheme', { image: undefined, image_url: 'ftp://example.com/a.jpg' }, 'image_url'],
  ['a URL of a private address', { image: undefined, image_url: 'http://127.0.0.1/a.jpg' }, 'image_url'],
  ['two URLs', { image: undefined, image_url: [URL_IMAGE, URL_IMAGE] }, 'image_url'],
  ['a caption of 3001 characters', { caption: '👋'.repeat(3001) }, 'caption'],
  ['two captions', { caption: ['a', 'b'] }, 'caption'],
  ['a boolean that is none', { view_once: 'maybe' }, 'view_once'],
  ['a boolean given twice', { compress: ['true', 'true'] }, 'compress'],
  ['a duration that WhatsApp has not', { duration: '3600' }, 'duration'],
  ['a duration that is no number', { duration: '1d' }, 'duration'],
  ['a reply to an unknown message', { reply_message_id: '3EB0000000000000000000' }, 'reply_message_id'],
  ['a mention that is no number', { mentions: 'everyone' }, 'mentions'],
  ['a ttl of zero', { ttl: '0' }, 'ttl'],
  ['a ttl of more than a day', { ttl: '86401' }, 'ttl'],
  ['a file in another field', { photo: samplePng(), image: undefined }, 'image'],
  ['a long text as image', { image: 'x'.repeat(70_000) }, 'image'],
  ['a URL without a host', { image: undefined, image_url: 'https:///a.jpg' }, 'image_url'],
  ['a field that is far too long', { caption: 'a'.repeat(70_000) }, 'caption'],
];
for (const [name, fields, field] of BROKEN_FIELDS) {
  test(`${name} is refused with 400 and leaves nothing`, async () => {
    await assertRefused(await sendForm(tested.url, fields), 400, 'VALIDATION_ERROR', field);
  });
}

test('every broken field is named at once', async () => {
  const answer = await sendForm(tested.url, { phone: '0', duration: '1', view_once: '2' });
  const errors = answer.body.results?.['errors'] as { field: string }[];
  assert.deepEqual(errors.map(({ field }) => field).sort(), ['duration', 'phone', 'view_once']);
});

test('a second file is refused by name', async () => {
  const form = toForm({ phone: PHONE, image: samplePng() });
  form.append('image', new Blob([new Uint8Array(samplePng())]), 'b.png');
  const response = await fetch(`${tested.url}/send/image`, { method: 'POST', body: form });
  const body = (await response.json()) as Answer['body'];
  await assertRefused({ status: response.status, headers: response.headers, body }, 400, 'VALIDATION_ERROR', 'image');
});

test('a caption of exactly 3000 code points is accepted', async () => {
  const answer = await sendForm(tested.url, { caption: '👋'.repeat(3000) });
  assert.equal(answer.status, 202);
});

const BROKEN_BODIES: [name: string, body: string | Buffer, type: string, field?: string][] = [
  ['JSON that does not parse', '{"phone":', 'application/json'],
  ['JSON that is no object', '[1]', 'application/json'],
  ['JSON with text as boolean', `{"phone":"${PHONE}","image_url":"${URL_IMAGE}","hd":"x"}`, 'application/json', 'hd'],
  [
    'JSON with half a number as phone',
    `{"phone":628123456789.5,"image_url":"${URL_IMAGE}"}`,
    'application/json',
    'phone',
  ],
  [
    'a caption of unknown charset',
    '--x\r\nContent-Disposition: form-data; name="caption"\r\nContent-Type: text/plain; charset=klingon\r\n\r\nhi\r\n--x--\r\n',
    'multipart/form-data; boundary=x',
    'caption',
  ],
  [
    'an urlencoded caption that is not UTF-8',
    `phone=628123456789&image_url=${encodeURIComponent(URL_IMAGE)}&caption=caf%E9`,
    'application/x-www-form-urlencoded',
    'caption',
  ],
  [
    'JSON with half a character',
    `{"phone":"${PHONE}","image_url":"${URL_IMAGE}","caption":"\\ud83d"}`,
    'application/json',
    'caption',
  ],
  ['JSON of 70 KB', `{"phone":"${PHONE}","caption":"${'a'.repeat(70_000)}"}`, 'application/json'],
  ['another content type', 'phone=1', 'text/plain', 'Content-Type'],
  ['another multipart', 'x', 'multipart/mixed; boundary=x', 'Content-Type'],
  ['a form without a boundary', 'x', 'multipart/form-data'],
  [
    'a form that ends too early',
    '--x\r\nContent-Disposition: form-data; name="phone"\r\n\r\n62',
    'multipart/form-data; boundary=x',
  ],
  [
    'a file that ends too early',
    '--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n\x89PNG',
    'multipart/form-data; boundary=x',
  ],
  ['a part with a broken header', '--x\r\nContent-Disposition\r\n\r\n62\r\n--x--', 'multipart/form-data; boundary=x'],
  [
    'a form caption that is not UTF-8',
    Buffer.from('--x\r\nContent-Disposition: form-data; name="caption"\r\n\r\ncaf\xe9\r\n--x--\r\n', 'latin1'),
    'multipart/form-data; boundary=x',
    'caption',
  ],
  ['an empty form', '--x--\r\n', 'multipart/form-data; boundary=x', 'phone'],
  [
    'a repeated urlencoded field',
    `phone=1&phone=2&image_url=${URL_IMAGE}`,
    'application/x-www-form-urlencoded',
    'phone',
  ],
];
for (const [name, body, type, field] of BROKEN_BODIES) {
  test(`${name} is refused with 400 and leaves nothing`, async () => {
    await assertRefused(await sendText(tested.url, body, { 'content-type': type }), 400, 'VALIDATION_ERROR', field);
  });
}

test('an unknown device is DEVICE_NOT_FOUND and named', async () => {
  const answer = await sendForm(tested.url, {}, { 'x-device-id': 'nobody' });
  await assertRefused(answer, 404, 'DEVICE_NOT_FOUND');
  assert.equal(answer.body.results?.['device_id'], 'nobody');
});

test('a send without a device name needs exactly one device', async () => {
  await tested.addDevice('another');
  await assertRefused(await sendForm(tested.url), 400, 'DEVICE_ID_REQUIRED');
  await tested.redis.flushall();
  await assertRefused(await sendForm(tested.url), 400, 'DEVICE_ID_REQUIRED');
});

const LONG_AGO = { since: Date.now() - 60_000, connected_until: Date.now() - 60_000 };
const OFFLINE: [name: string, connection: Parameters<GatewayUnderTest['addDevice']>[1], jid?: null][] = [
  ['unpaired', { state: 'unpaired' }, null],
  ['logged-out', { state: 'logged_out' }],
  ['gone', { state: 'disconnected', ...LONG_AGO }],
  ['connecting', { state: 'connecting', ...LONG_AGO }],
];
for (const [name, connection, jid] of OFFLINE) {
  test(`a device that is ${name} is DEVICE_NOT_CONNECTED`, async () => {
    await tested.addDevice(name, connection, jid === null ? null : undefined);
    await assertRefused(await sendForm(tested.url, {}, { 'x-device-id': name }), 500, 'DEVICE_NOT_CONNECTED');
  });
}

test('a device that no worker owns is not connected, whatever its record says', async () => {
  await tested.addDevice('orphan', { state: 'connected', ...LONG_AGO });
  await tested.redis.del(tested.keys.device('orphan').lease);
  await assertRefused(await sendForm(tested.url, {}, { 'x-device-id': 'orphan' }), 500, 'DEVICE_NOT_CONNECTED');
});

test('a device that went offline a moment ago is expected back', async () => {
  await tested.addDevice('blinking', { state: 'disconnected', since: Date.now(), connected_until: Date.now() });
  const answer = await sendForm(tested.url, {}, { 'x-device-id': 'blinking' });
  assert.equal(answer.status, 202);
});

test('a full lane is QUEUE_FULL with Retry-After, and stores nothing', async () => {
  const first = await sendForm(tested.url);
  assert.equal(first.status, 202);
  const stored = await tested.storedFiles();
  const second = await sendForm(tested.url);
  assert.equal(second.status, 429);
  assert.equal(second.body.code, 'QUEUE_FULL');
  assert.ok(Number(second.headers.get('retry-after')) > 0);
  assert.deepEqual(await tested.storedFiles(), stored);
  assert.equal(await tested.laneSize('phone'), 1);
});

test('of many sends at once a lane takes no more than its limit', async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => sendText(tested.url, { phone: PHONE, image_url: URL_IMAGE })),
  );
  assert.deepEqual(
    answers.map(({ status }) => status).sort((a, b) => a - b),
    [202, ...Array.from({ length: 7 }, () => 429)],
  );
  assert.equal(await tested.laneSize('phone'), 1);
});

test('the record shows why a message failed, and a message of nobody is 404', async () => {
  const missing = await fetch(`${tested.url}/messages/3EB0AAAAAAAAAAAAAAAAAA`);
  assert.equal(missing.status, 404);
  const answer = await sendForm(tested.url, {}, { prefer: 'respond-async' });
  const messageId = String(answer.body.results?.['message_id']);
  await tested.messages.markFailed('phone', messageId, new Failure('EXPIRED', 'waited too long'));
  const shown = (await (await fetch(`${tested.url}/messages/${messageId}`)).json()) as Answer['body'];
  assert.equal(shown.results?.['state'], 'failed');
  assert.deepEqual(shown.results?.['error'], { code: 'EXPIRED', message: 'waited too long' });
});

test('an unknown path is 404, another method 405 with Allow, a path that does not decode 400', async () => {
  const unknown = await fetch(`${tested.url}/nothing`);
  assert.equal(unknown.status, 404);
  assert.equal(((await unknown.json()) as Answer['body']).code, 'NOT_FOUND');
  const method = await fetch(`${tested.url}/send/image`, { method: 'PUT' });
  assert.equal(method.status, 405);
  assert.equal(method.headers.get('allow'), 'POST');
  assert.equal(((await method.json()) as Answer['body']).code, 'METHOD_NOT_ALLOWED');
  const malformed = await fetch(`${tested.url}/messages/%ff`);
  assert.equal(malformed.status, 400);
  assert.equal(((await malformed.json()) as Answer['body']).code, 'VALIDATION_ERROR');
});

test('a request id is echoed when it is usable and replaced when it is not', async () => {
  for (const id of ['abc-123', 'trace 1/2', 'r'.repeat(255)]) {
    const echoed = await fetch(`${tested.url}/healthz`, { headers: { 'x-request-id': id } });
    assert.equal(echoed.headers.get('x-request-id'), id);
  }
  const replaced = await fetch(`${tested.url}/healthz`, { headers: { 'x-request-id': 'r'.repeat(256) } });
  assert.match(String(replaced.headers.get('x-request-id')), /^[0-9a-f-]{36}$/);
  assert.equal(replaced.headers.get('x-powered-by'), null);
});
