import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Failure, newMessageId, type SendImageJob } from '@postern/contract';
import { createIdempotencyClaims, type IdempotencyClaim } from '@postern/registry';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { samplePng } from '../testing/sample-png.ts';
import { type Answer, type FormFields, PHONE, sendForm, sendText } from '../testing/send-form.ts';
import { startWorkerDouble, type WorkerDouble } from '../testing/worker-double.ts';

const TTL_MS = 60_000;
let tested: GatewayUnderTest;
let peer: string;
let worker: WorkerDouble;
let settle: (job: SendImageJob) => Promise<unknown>;
const markSent = ({ device_id, message_id }: SendImageJob) =>
  tested.messages.markSent(device_id, message_id, Date.now());

before(async () => {
  tested = await startGatewayUnderTest({
    API_KEYS: 'shop:s-secret-for-tests,office:o-secret-for-tests',
    SYNC_WAIT_MS: '5000',
    IDEMPOTENCY_TTL_MS: String(TTL_MS),
  });
  peer = await tested.startPeer();
  await tested.addDevice('phone');
  settle = markSent;
  worker = await startWorkerDouble(tested, {
    deviceId: 'phone',
    async settle(job) {
      await settle(job);
      await rm(join(tested.directory, 'blobs', job.message_id), { force: true });
    },
  });
});
afterEach(() => {
  settle = markSent;
  worker.jobs.length = 0;
});
after(async () => {
  await worker.stop();
  await tested.stop();
});

const image = samplePng();
let lastKey = 0;
const newKey = () => `order-${(lastKey += 1)}`;
interface SendOptions {
  url?: string;
  secret?: string;
  prefer?: string;
}
const send = (key: string, fields: FormFields = {}, { url = tested.url, secret = 's', ...headers }: SendOptions = {}) =>
  sendForm(
    url,
    { image, ...fields },
    { 'x-api-key': `${secret}-secret-for-tests`, 'idempotency-key': key, ...headers },
  );
const idOf = ({ body }: Answer) => String(body.results?.['message_id']);
const replayed = ({ headers }: Answer) => headers.get('idempotency-replayed');
const claims = () => createIdempotencyClaims(tested.redis, tested.keys, { ttlMs: TTL_MS });

/** What the gateway leaves that dies right after it has claimed the key: the claim as that request makes it. */
async function loseAcceptance(key: string): Promise<IdempotencyClaim> {
  await send(key);
  const claim = await claims().find('shop', key);
  assert.ok(claim);
  await claims().release('shop', key, claim);
  const lost = { ...claim, messageId: newMessageId() };
  await claims().claim('shop', key, lost);
  worker.jobs.length = 0;
  return lost;
}

test("an equal request is answered with the first one's outcome by any gateway, and its own upload goes", async () => {
  const key = newKey();
  const first = await send(key);
  assert.deepEqual([first.status, replayed(first)], [200, null]);
  for (const url of [tested.url, peer]) {
    const again = await send(key, {}, { url });
    assert.deepEqual([again.status, again.body, replayed(again)], [200, first.body, 'true']);
  }
  assert.equal(worker.jobs.length, 1);
  assert.deepEqual(await tested.storedFiles(), []);
});

test('the same meaning written otherwise is the same request', async () => {
  const key = newKey();
  const first = await send(key, { phone: PHONE, view_once: 'true', mentions: '628111111111' });
  const again = await send(key, {
    phone: '+62 812-3456-789',
    view_once: 'ON',
    compress: '0',
    mentions: ['628111111111'],
  });
  assert.deepEqual([again.body, replayed(again)], [first.body, 'true']);
});

const DIFFERENCES: FormFields[] = [
  { image: samplePng() },
  { caption: 'other' },
  { phone: '628999999999' },
  { compress: 'true' },
  { ttl: '60' },
  { image: undefined, image_url: 'https://example.com/a.png' },
];
for (const difference of DIFFERENCES) {
  test(`another ${Object.keys(difference).at(-1)} under a used key is a conflict, and keeps nothing`, async () => {
    const key = newKey();
    const first = await send(key);
    const other = await send(key, difference, { url: peer });
    assert.deepEqual([other.status, other.body.code], [409, 'IDEMPOTENCY_KEY_CONFLICT']);
    assert.equal((await send(key)).body.results?.['message_id'], idOf(first));
    assert.equal(worker.jobs.length, 1);
    assert.deepEqual(await tested.storedFiles(), []);
  });
}

test('an image by URL is the same by its address', async () => {
  const headers = {
    'content-type': 'application/json',
    'x-api-key': 's-secret-for-tests',
    'idempotency-key': newKey(),
  };
  const sendUrl = (image_url: string) => sendText(tested.url, { phone: PHONE, image_url }, headers);
  const first = await sendUrl('https://example.com/a.png');
  assert.equal(idOf(await sendUrl('HTTPS://example.com:443/a.png')), idOf(first));
  assert.equal((await sendUrl('https://example.com/b.png')).status, 409);
});

test('a key belongs to whoever uses it', async () => {
  const key = newKey();
  const [one, other] = [await send(key), await send(key, {}, { secret: 'o' })];
  assert.notEqual(idOf(one), idOf(other));
  assert.equal(replayed(other), null);
});

test('a failure after acceptance is answered again, with its details', async () => {
  const key = newKey();
  settle = ({ device_id, message_id }) =>
    tested.messages.markFailed(
      device_id,
      message_id,
      new Failure('SEND_FAILED', 'refused', { details: { reason: 479 } }),
    );
  const first = await send(key);
  settle = markSent;
  const again = await send(key, {}, { url: peer });
  assert.deepEqual([again.status, again.body, replayed(again)], [500, first.body, 'true']);
  assert.equal(again.body.results?.['reason'], 479);
  assert.equal(worker.jobs.length, 1);
});

test('what is refused before acceptance claims nothing: the corrected request is taken', async () => {
  const key = newKey();
  for (const wrong of [{ phone: '0' }, { image: Buffer.from('no image') }]) {
    assert.equal((await send(key, wrong)).status, 400);
  }
  assert.equal(await claims().find('shop', key), undefined);
  const right = await send(key);
  assert.deepEqual([right.status, replayed(right)], [200, null]);
});

test('an equal request is answered although the device could take no new one', async (t) => {
  const key = newKey();
  const first = await send(key);
  const { record } = tested.keys.device('phone');
  const connected = (await tested.redis.hget(record, 'connection')) ?? '';
  t.after(() => tested.redis.hset(record, 'connection', connected));
  await tested.redis.hset(record, 'connection', JSON.stringify({ state: 'logged_out', since: Date.now() }));
  assert.equal((await send(newKey())).body.code, 'DEVICE_NOT_CONNECTED');
  assert.deepEqual((await send(key)).body, first.body);
});

for (const key of ['', 'two words', 'ümlaut', 'x'.repeat(256)]) {
  test(`${JSON.stringify(key.slice(0, 20))} is no key`, async () => {
    const answer = await send(Buffer.from(key).toString('latin1'));
    assert.deepEqual([answer.status, answer.body.code], [400, 'VALIDATION_ERROR']);
    assert.match(answer.body.message, /^Idempotency-Key: expected 1 to 255 visible ASCII characters/);
  });
}

test('while the message runs, Prefer is honoured for equal requests too', async () => {
  const key = newKey();
  const { promise: held, resolve: finish } = Promise.withResolvers<void>();
  settle = async (job) => {
    await held;
    await markSent(job);
  };
  const first = await send(key, {}, { prefer: 'respond-async' });
  const again = await send(key, {}, { url: peer, prefer: 'respond-async' });
  assert.deepEqual([again.status, again.body, replayed(again)], [202, first.body, 'true']);
  assert.equal(again.headers.get('location'), `/messages/${idOf(first)}`);
  const waiting = send(key, {}, { url: peer, prefer: 'wait=5' });
  finish();
  const settled = await waiting;
  assert.deepEqual([settled.status, idOf(settled)], [200, idOf(first)]);
  assert.equal(settled.headers.get('preference-applied'), 'wait=5');
});

test('50 equal requests at once through two gateways are one message, and all are answered alike', async () => {
  const key = newKey();
  const sending = Array.from({ length: 50 }, (_, n) => send(key, {}, { url: n % 2 === 0 ? tested.url : peer }));
  const answers = await Promise.all(sending);
  const [first] = answers;
  for (const { status, body } of answers) assert.deepEqual([status, body], [200, first?.body]);
  assert.equal(answers.filter((answer) => replayed(answer) === null).length, 1);
  await tested.untilLaneIsEmpty('phone');
  assert.deepEqual([...new Set(worker.jobs.map(({ message_id }) => message_id))], [first && idOf(first)]);
  assert.equal((await send(key, { image: samplePng() })).status, 409);
});

test('a key whose gateway died before the record leads to its message, with the image of who asks again', async () => {
  const key = newKey();
  const lost = await loseAcceptance(key);
  const answer = await send(key, {}, { url: peer });
  assert.deepEqual([answer.status, idOf(answer), replayed(answer)], [200, lost.messageId, 'true']);
  assert.deepEqual(
    worker.jobs.map(({ message_id }) => message_id),
    [lost.messageId],
  );
  assert.deepEqual(await tested.storedFiles(), []);
});

test('a key whose gateway died between the record and the job leads to its message', async () => {
  const key = newKey();
  const { messageId } = await loseAcceptance(key);
  const now = Date.now();
  const times = { created_at: now - 5_000, expires_at: now + 30_000 };
  const record = { message_id: messageId, device_id: 'phone', phone: PHONE, state: 'queued', attempts: 0 } as const;
  await tested.messages.create({ ...record, ...times });
  const answer = await send(key);
  assert.deepEqual([answer.status, idOf(answer)], [200, messageId]);
  assert.deepEqual(
    worker.jobs.map((job) => [job.message_id, job.accepted_at, job.expires_at]),
    [[messageId, times.created_at, times.expires_at]],
  );
});

test('a key whose message was given up as never queued begins anew', async () => {
  const key = newKey();
  const { messageId } = await loseAcceptance(key);
  const now = Date.now();
  const times = { created_at: now, expires_at: now + 30_000 };
  const record = { message_id: messageId, device_id: 'phone', phone: PHONE, state: 'queued', attempts: 0 } as const;
  await tested.messages.create({ ...record, ...times });
  await tested.messages.markFailed('phone', messageId, new Failure('QUEUE_UNAVAILABLE', 'it was not sent'));
  const answers = await Promise.all([send(key), send(key, {}, { url: peer })]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
  assert.equal(new Set([...answers.map(idOf), messageId]).size, 2);
  assert.equal(new Set(worker.jobs.map(({ message_id }) => message_id)).size, 1);
});
