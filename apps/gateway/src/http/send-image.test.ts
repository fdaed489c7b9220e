import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Failure, type FailureCode } from '@postern/contract';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { samplePng } from '../testing/sample-png.ts';
import { PHONE, sendForm, sendText, toAnswer } from '../testing/send-form.ts';
import { startWorkerDouble, type WorkerDouble } from '../testing/worker-double.ts';

let tested: GatewayUnderTest;
let worker: WorkerDouble;
let fail: Failure | undefined;
let cancel = false;
let notes: string[] = [];

before(async () => {
  tested = await startGatewayUnderTest({ SYNC_WAIT_MS: '5000' });
  await tested.addDevice('phone');
  const { messages } = tested;
  worker = await startWorkerDouble(tested, {
    deviceId: 'phone',
    notes: () => notes,
    settle: ({ device_id, message_id }) =>
      cancel
        ? tested.redis.hset(tested.keys.device(device_id).message(message_id), 'state', 'cancelled')
        : fail
          ? messages.markFailed(device_id, message_id, fail)
          : messages.markSent(device_id, message_id, Date.now()),
  });
});
after(async () => {
  await worker.stop();
  await tested.stop();
});

test('a sent upload is answered with the documented envelope, and the worker gets what was uploaded', async () => {
  const image = samplePng(80, 60);
  const answer = await sendForm(tested.url, { image, caption: 'Héllo 👋', view_once: 'on', duration: '86400' });
  assert.equal(answer.status, 200);
  const messageId = answer.body.results?.['message_id'];
  assert.match(String(messageId), /^3EB0[0-9A-F]{18}$/);
  assert.deepEqual(answer.body, {
    code: 'SUCCESS',
    message: 'Success',
    results: { message_id: messageId, status: 'Image sent successfully' },
  });
  const job = worker.jobs.at(-1);
  assert.equal(job?.caption, 'Héllo 👋');
  assert.equal(job?.view_once, true);
  assert.equal(job?.duration, 86_400);
  assert.deepEqual(job?.recipient, { kind: 'person', jid: PHONE });
  const sha256 = createHash('sha256').update(image).digest('hex');
  assert.deepEqual(job?.image, {
    source: 'blob',
    mimetype: 'image/png',
    width: 80,
    height: 60,
    bytes: image.length,
    sha256,
  });
  assert.ok((await tested.storedFiles()).includes(String(messageId)), 'the blob is named by the message');
});

test('the image may come before or after the other fields, and unknown fields are ignored', async () => {
  const form = new FormData();
  form.append('image', new Blob([new Uint8Array(samplePng())]), 'a.txt');
  form.append('nonsense', 'x');
  form.append('phone', '+62 812-3456-789');
  const answer = await toAnswer(await fetch(`${tested.url}/send/image`, { method: 'POST', body: form }));
  assert.equal(answer.status, 200);
  assert.equal(worker.jobs.at(-1)?.recipient.jid, PHONE);
});

test('an image part without a file name is the image, and a part with an empty name is nothing', async () => {
  const image = samplePng(60, 50);
  const part = (head: string, body: Buffer | string) => [
    `--x\r\nContent-Disposition: form-data; ${head}\r\n\r\n`,
    body,
    '\r\n',
  ];
  const pieces = [
    ...part('name=""', 'ignored'),
    ...part('name="image"\r\nContent-Type: image/png', image),
    ...part('name="phone"', PHONE),
    '--x--\r\n',
  ];
  const body = Buffer.concat(pieces.map((piece) => Buffer.from(piece)));
  const answer = await sendText(tested.url, body, { 'content-type': 'multipart/form-data; boundary=x' });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const sent = worker.jobs.at(-1)?.image;
  assert.equal(sent?.source === 'blob' && sent.sha256, createHash('sha256').update(image).digest('hex'));
});

test('captions in a charset that is named, and numbers as JSON numbers, are read', async () => {
  const latin =
    '--x\r\nContent-Disposition: form-data; name="caption"\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\ncaf\xe9\r\n';
  const rest =
    '--x\r\nContent-Disposition: form-data; name="phone"\r\n\r\n628123456789\r\n--x\r\nContent-Disposition: form-data; name="image_url"\r\n\r\nhttps://example.com/a.jpg\r\n--x--\r\n';
  const type = { 'content-type': 'multipart/form-data; boundary=x' };
  assert.equal((await sendText(tested.url, Buffer.from(latin + rest, 'latin1'), type)).status, 200);
  assert.equal(worker.jobs.at(-1)?.caption, 'café');
  const numeric = { phone: 628123456789, image_url: 'https://example.com/a.jpg' };
  assert.equal((await sendText(tested.url, numeric)).status, 200);
  assert.equal(worker.jobs.at(-1)?.recipient.jid, PHONE);
});

test('fields that are not known are ignored whatever they are: names in brackets, files, long names', async () => {
  const form = new FormData();
  for (const name of ['meta[a]', 'list[]', 'list[7]', 'phone[x]', '__proto__', 'n'.repeat(150)]) form.append(name, 'x');
  form.append('photo', new Blob([new Uint8Array(samplePng())]), 'another.png');
  form.append('image', new Blob([new Uint8Array(samplePng(70, 50))]), 'a.png');
  form.append('photo', new Blob(['text']), 'text.txt');
  form.append('phone', PHONE);
  for (let count = 0; count < 256; count += 1) form.append('mentions', String(628_000_000_000 + count));
  const answer = await toAnswer(await fetch(`${tested.url}/send/image`, { method: 'POST', body: form }));
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const job = worker.jobs.at(-1);
  assert.equal(job?.image.source === 'blob' && job.image.width, 70);
  assert.equal(job?.mentions.length, 256);
});

test('an image by URL is taken from JSON and from urlencoded forms', async () => {
  const image_url = 'https://example.com/a.jpg';
  const json = await sendText(tested.url, {
    phone: PHONE,
    image_url,
    compress: true,
    ttl: 60,
    mentions: ['628111111111', 628_122_222_222],
  });
  assert.equal(json.status, 200);
  const job = worker.jobs.at(-1);
  assert.deepEqual(job?.image, { source: 'url', url: image_url });
  assert.equal(job?.compress, true);
  assert.deepEqual(job?.mentions, ['628111111111', '628122222222']);
  assert.equal((job?.expires_at ?? 0) - (job?.accepted_at ?? 0), 60_000);
  const form = new URLSearchParams({ phone: '628123456789', image_url, is_forwarded: 'YES' }).toString();
  const urlencoded = await sendText(tested.url, form, { 'content-type': 'application/x-www-form-urlencoded' });
  assert.equal(urlencoded.status, 200);
  assert.equal(worker.jobs.at(-1)?.is_forwarded, true);
});

test('the device is found by header (URL-decoded), by query, by device JID and by bare JID', async () => {
  const image_url = 'https://example.com/a.jpg';
  const json = { 'content-type': 'application/json' };
  for (const name of ['phone', '62811500000%3A7%40s.whatsapp.net', '62811500000@s.whatsapp.net']) {
    const answer = await sendText(tested.url, { phone: PHONE, image_url }, { ...json, 'x-device-id': name });
    assert.equal(answer.status, 200, name);
  }
  const byQuery = await fetch(`${tested.url}/send/image?device_id=phone`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ phone: PHONE, image_url }),
  });
  assert.equal(byQuery.status, 200);
});

test('a failure of the worker is answered with its code, its details and the message id', async () => {
  fail = new Failure('SEND_FAILED', 'WhatsApp refused the message', { details: { reason: 479 } });
  const answer = await sendForm(tested.url);
  assert.equal(answer.status, 500);
  assert.equal(answer.body.code, 'SEND_FAILED');
  assert.equal(answer.body.results?.['reason'], 479);
  assert.match(String(answer.body.results?.['message_id']), /^3EB0/);
  fail = new Failure('WA_REACHOUT_TIMELOCK', 'refused', { retryAfterSeconds: 3600 });
  const timelock = await sendForm(tested.url);
  assert.equal(timelock.status, 429);
  assert.equal(timelock.headers.get('retry-after'), '3600');
  fail = undefined;
});

test('what became of the picture is told by the answer, by its replay and by the record', async () => {
  notes = ['turned', 're-encoded'];
  const key = { 'idempotency-key': 'notes-1' };
  const image = samplePng();
  const answer = await sendForm(tested.url, { image }, key);
  notes = [];
  const messageId = String(answer.body.results?.['message_id']);
  assert.deepEqual(answer.body.results?.['notes'], ['turned', 're-encoded']);
  assert.deepEqual((await sendForm(tested.url, { image }, key)).body, answer.body);
  const { body } = await toAnswer(await fetch(`${tested.url}/messages/${messageId}`));
  assert.deepEqual(body.results?.['notes'], ['turned', 're-encoded']);
});

test('respond-async answers 202 with a Location at once, and the record can be waited for', async () => {
  const answer = await sendForm(tested.url, {}, { prefer: 'respond-async' });
  assert.equal(answer.status, 202);
  assert.equal(answer.headers.get('preference-applied'), 'respond-async');
  const messageId = String(answer.body.results?.['message_id']);
  assert.deepEqual(answer.body, {
    code: 'ACCEPTED',
    message: 'Queued',
    results: { message_id: messageId, status: 'queued', status_url: `/messages/${messageId}` },
  });
  assert.equal(answer.headers.get('location'), `/messages/${messageId}`);
  let state: unknown = '';
  for (let n = 0; n < 10 && state !== 'sent'; n += 1) {
    const response = await fetch(`${tested.url}/messages/${messageId}`, { headers: { prefer: 'wait=1' } });
    assert.equal(response.headers.get('preference-applied'), 'wait=1');
    const { body } = await toAnswer(response);
    state = body.results?.['state'];
    assert.equal(body.results?.['device_id'], 'phone');
  }
  assert.equal(state, 'sent');
});

test('each outcome is one log line with its ids, and no line holds content', async () => {
  const caption = 'nobody else reads this';
  const answer = await sendForm(tested.url, { caption }, { 'x-request-id': 'log-me' });
  const lines = tested.logLines().filter((line) => line.includes('"request_id":"log-me"') && line.includes('"info"'));
  assert.equal(lines.length, 1);
  const line = JSON.parse(lines[0] ?? '{}') as Record<string, unknown>;
  assert.equal(line['message_id'], answer.body.results?.['message_id']);
  assert.equal(line['device_id'], 'phone');
  assert.equal(line['status'], 200);
  const log = tested.logLines().join('\n');
  for (const secret of [caption, PHONE, '628123456789', 'example.com']) assert.ok(!log.includes(secret), secret);
});

const WORKER_FAILURES: [code: FailureCode, status: number][] = [
  ['VALIDATION_ERROR', 400],
  ['INVALID_JID', 400],
  ['IMAGE_DOWNLOAD_FAILED', 500],
  ['IMAGE_PROCESSING_FAILED', 500],
  ['UPLOAD_MEDIA_ERROR', 500],
  ['ACK_TIMEOUT', 500],
  ['EXPIRED', 500],
  ['DEVICE_DELETED', 500],
  ['DEVICE_NOT_CONNECTED', 500],
];
for (const [code, status] of WORKER_FAILURES) {
  test(`a message that ends as ${code} is answered ${status} with its id, and nothing stays queued`, async () => {
    fail = new Failure(code, 'as the worker said');
    const answer = await sendForm(tested.url);
    fail = undefined;
    assert.deepEqual([answer.status, answer.body.code, answer.body.message], [status, code, 'as the worker said']);
    assert.match(String(answer.body.results?.['message_id']), /^3EB0/);
    await tested.untilLaneIsEmpty('phone');
  });
}

test('a message that somebody cancelled answers 409 to who waits for it', async () => {
  cancel = true;
  const answer = await sendForm(tested.url);
  cancel = false;
  assert.deepEqual([answer.status, answer.body.code], [409, 'CANCELLED']);
});

test('a blob store that cannot write is not a defect of ours: 503, logged once, and no path is told', async () => {
  const incoming = join(tested.directory, 'incoming');
  await rename(incoming, `${incoming}-away`);
  const answer = await sendForm(tested.url, {}, { 'x-request-id': 'full-disk' });
  await rename(`${incoming}-away`, incoming);
  const message = 'The store of uploaded images cannot be used now (ENOENT)';
  assert.deepEqual(answer.body, { code: 'STORAGE_UNAVAILABLE', message });
  assert.equal(answer.status, 503);
  const told = tested.logLines().filter((line) => line.includes('request failed') && line.includes('full-disk'));
  assert.equal(told.length, 1);
  await tested.untilLaneIsEmpty('phone');
});
