import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Failure, type FieldError, type SendImageJob } from '@postern/contract';
import { createFailedJobs } from '@postern/registry';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { samplePng } from '../testing/sample-png.ts';
import { type Answer, sendForm, toAnswer } from '../testing/send-form.ts';
import { startWorkerDouble } from '../testing/worker-double.ts';

let tested: GatewayUnderTest;
let peer: string;
before(async () => {
  tested = await startGatewayUnderTest({
    API_KEYS: 'all:a-secret-for-tests,shop:s-secret-for-tests:shop,reader:r-secret-for-tests:*:read',
    SYNC_WAIT_MS: '5000',
  });
  peer = await tested.startPeer();
});
afterEach(() => tested.reset());
after(() => tested.stop());

interface AskOptions {
  url?: string;
  secret?: string;
  prefer?: string;
  'idempotency-key'?: string;
}
async function ask(method: string, path: string, options: AskOptions = {}): Promise<Answer> {
  const { url = tested.url, secret = 'a', ...headers } = options;
  return toAnswer(
    await fetch(`${url}${path}`, { method, headers: { 'x-api-key': `${secret}-secret-for-tests`, ...headers } }),
  );
}
const send = (deviceId: string, headers: Record<string, string> = {}) =>
  sendForm(
    tested.url,
    {},
    { 'x-api-key': 'a-secret-for-tests', 'x-device-id': deviceId, prefer: 'respond-async', ...headers },
  );
const metrics = async () => (await fetch(`http://127.0.0.1:${tested.gateway.metricsPort}/metrics`)).text();
const idOf = ({ body }: Answer) => String(body.results?.['message_id']);
const idsOf = ({ body }: Answer) =>
  ((body.results ?? {})['messages'] as { message_id: string }[]).map(({ message_id }) => message_id);

async function sendMany(deviceId: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.unshift(idOf(await send(deviceId)));
  return ids;
}

test('messages are listed newest first in pages, of one device or of all that the key may see', async () => {
  await tested.addDevice('shop');
  await tested.addDevice('office');
  const shop = await sendMany('shop', 5);
  const office = await sendMany('office', 2);
  assert.deepEqual(idsOf(await ask('GET', '/messages')), [...office, ...shop]);
  assert.deepEqual(idsOf(await ask('GET', '/messages?device_id=office')), office);
  assert.deepEqual(idsOf(await ask('GET', '/messages', { secret: 's' })), shop);
  const seen: string[] = [];
  let cursor = '';
  do {
    const page = await ask('GET', `/messages?limit=3&cursor=${cursor}`);
    assert.equal(page.status, 200);
    seen.push(...idsOf(page));
    const next = page.body.results?.['cursor'];
    cursor = typeof next === 'string' ? next : '';
  } while (cursor !== '');
  assert.deepEqual(seen, [...office, ...shop]);
  const [newest = ''] = office;
  await ask('DELETE', `/messages/${newest}`);
  assert.deepEqual(idsOf(await ask('GET', '/messages?state=cancelled')), [newest]);
  assert.deepEqual(idsOf(await ask('GET', '/messages?state=queued&device_id=office')), office.slice(1));
  assert.deepEqual(idsOf(await ask('GET', '/messages?state=read')), []);
});

const WRONG_QUERIES: [query: string, field: string][] = [
  ['state=gone', 'state'],
  ['limit=0', 'limit'],
  ['limit=201', 'limit'],
  ['limit=many', 'limit'],
  ['cursor=17', 'cursor'],
  ['cursor=1-3EB0000000000000000000-x', 'cursor'],
  ['state=sent&state=read', 'state'],
];
for (const [query, field] of WRONG_QUERIES) {
  test(`a list of ${query} is refused by name`, async () => {
    const { status, body } = await ask('GET', `/messages?${query}`);
    assert.deepEqual([status, body.code], [400, 'VALIDATION_ERROR']);
    assert.deepEqual(
      ((body.results ?? {})['errors'] as FieldError[]).map((error) => error.field),
      [field],
    );
  });
}

test('a list of a device that is not there or not the key’s is refused', async () => {
  await tested.addDevice('office');
  assert.equal((await ask('GET', '/messages?device_id=none')).body.code, 'DEVICE_NOT_FOUND');
  assert.equal((await ask('GET', '/messages?device_id=office', { secret: 's' })).body.code, 'FORBIDDEN');
});

test('a queued message is cancelled: who waits anywhere gets CANCELLED, and nothing of it is left', async () => {
  await tested.addDevice('shop');
  const key = { 'idempotency-key': 'cancel-me' };
  const image = samplePng();
  const post = (url: string) =>
    sendForm(url, { image }, { 'x-api-key': 'a-secret-for-tests', 'x-device-id': 'shop', ...key });
  const waiting = [post(tested.url), post(peer)];
  const deadline = Date.now() + 5_000;
  let ids: string[] = [];
  while (ids.length === 0 && Date.now() < deadline) ids = idsOf(await ask('GET', '/messages'));
  while ((await tested.laneSize('shop')) === 0 && Date.now() < deadline);
  const [messageId = ''] = ids;
  const cancelled = await ask('DELETE', `/messages/${messageId}`, { url: peer });
  assert.deepEqual([cancelled.status, cancelled.body.results?.['state']], [200, 'cancelled']);
  for (const answer of await Promise.all(waiting)) {
    assert.deepEqual([answer.status, answer.body.code, idOf(answer)], [409, 'CANCELLED', messageId]);
  }
  assert.equal(await tested.laneSize('shop'), 0);
  assert.deepEqual(await tested.storedFiles(), []);
  assert.equal(await tested.redis.zcard(tested.keys.deadlines), 0);
  const again = await ask('DELETE', `/messages/${messageId}`);
  assert.deepEqual(
    [again.status, again.body.code, again.body.results?.['state']],
    [409, 'NOT_CANCELLABLE', 'cancelled'],
  );
});

test('of two that cancel a message at once one is told so, and it is counted once', async () => {
  await tested.addDevice('shop');
  for (let round = 0; round < 20; round += 1) {
    const messageId = idOf(await send('shop'));
    const count = async () => /^postern_messages_cancelled_total (\d+)/m.exec(await metrics())?.[1] ?? '0';
    const earlier = Number(await count());
    const answers = await Promise.all([1, 2].map(() => ask('DELETE', `/messages/${messageId}`)));
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 409],
    );
    assert.equal(answers.find(({ status }) => status === 409)?.body.code, 'NOT_CANCELLABLE');
    assert.equal(Number(await count()), earlier + 1);
  }
});

test('a message that is not queued any more cannot be cancelled', async () => {
  await tested.addDevice('shop');
  const messageId = idOf(await send('shop'));
  await tested.messages.beginAttempt('shop', messageId, 'worker-1#1');
  for (const state of ['sending', 'sent']) {
    const answer = await ask('DELETE', `/messages/${messageId}`);
    assert.deepEqual([answer.status, answer.body.code], [409, 'NOT_CANCELLABLE']);
    assert.deepEqual(answer.body.results, { message_id: messageId, state });
    await tested.messages.markSent('shop', messageId, Date.now());
  }
});

test('messages of others, and those that never were, can be neither cancelled nor sent again', async () => {
  await tested.addDevice('office');
  const messageId = idOf(await send('office'));
  for (const [path, secret] of [
    [`/messages/${messageId}`, 's'],
    ['/messages/3EB0000000000000000000', 'a'],
    ['/messages/x', 'a'],
  ] as const) {
    assert.equal((await ask('DELETE', path, { secret })).body.code, 'MESSAGE_NOT_FOUND');
    assert.equal((await ask('POST', `${path}/retry`, { secret })).body.code, 'MESSAGE_NOT_FOUND');
  }
  assert.equal((await ask('DELETE', `/messages/${messageId}`, { secret: 'r' })).body.code, 'FORBIDDEN');
});

/** A worker whose first attempt fails, keeping the job as the worker does; later ones are sent. */
async function failFirst(ttlMs: number) {
  const failedJobs = createFailedJobs(tested.redis, tested.keys, { ttlMs });
  let failed = false;
  return startWorkerDouble(tested, {
    deviceId: 'shop',
    async settle(job: SendImageJob) {
      if (failed) return tested.messages.markSent('shop', job.message_id, Date.now());
      failed = true;
      await failedJobs.keep(job);
      return tested.messages.markFailed('shop', job.message_id, new Failure('UPLOAD_MEDIA_ERROR', 'not taken'));
    },
  });
}

test('a failed message is sent again as a new one, with the same content and what it is a retry of', async (t) => {
  await tested.addDevice('shop');
  const worker = await failFirst(60_000);
  t.after(() => worker.stop());
  const failed = await send('shop', { prefer: 'wait=5' });
  assert.equal(failed.body.code, 'UPLOAD_MEDIA_ERROR');
  const shown = (await ask('GET', `/messages/${idOf(failed)}`)).body.results?.['retry_until'];
  const { results: page = {} } = (await ask('GET', '/messages?state=failed')).body;
  const [listed] = page['messages'] as Record<string, unknown>[];
  assert.ok(Date.parse(String(shown)) > Date.now() && Date.parse(String(listed?.['retry_until'])) > Date.now());
  const key = { 'idempotency-key': 'again' };
  const again = await ask('POST', `/messages/${idOf(failed)}/retry`, key);
  assert.deepEqual([again.status, again.body.message], [200, 'Success']);
  assert.notEqual(idOf(again), idOf(failed));
  const record = await ask('GET', `/messages/${idOf(again)}`);
  assert.equal(record.body.results?.['retry_of'], idOf(failed));
  const [first, second] = worker.jobs;
  assert.deepEqual(second?.image, first?.image);
  assert.ok((await tested.storedFiles()).includes(idOf(again)), 'it has an image of its own');
  const replayed = await ask('POST', `/messages/${idOf(failed)}/retry`, { url: peer, ...key });
  assert.deepEqual([replayed.body, replayed.headers.get('idempotency-replayed')], [again.body, 'true']);
  const third = await ask('POST', `/messages/${idOf(failed)}/retry`, { prefer: 'respond-async' });
  assert.deepEqual([third.status, third.headers.get('preference-applied')], [202, 'respond-async']);
  const sent = await ask('POST', `/messages/${idOf(again)}/retry`);
  assert.deepEqual([sent.status, sent.body.code], [400, 'VALIDATION_ERROR']);
  assert.match(sent.body.message, /this one is sent/);
});

test('what is not kept cannot be sent again, and says so', async (t) => {
  await tested.addDevice('shop');
  const worker = await failFirst(0);
  t.after(() => worker.stop());
  const failed = await send('shop', { prefer: 'wait=5' });
  assert.equal((await ask('GET', `/messages/${idOf(failed)}`)).body.results?.['retry_until'], undefined);
  const answer = await ask('POST', `/messages/${idOf(failed)}/retry`);
  assert.deepEqual([answer.status, answer.body.code], [404, 'NOT_FOUND']);
  assert.match(answer.body.message, /not kept/);
  assert.equal((await tested.storedFiles()).length, 1, 'nothing was stored for it');
});

test('a retry is refused while its device could take no message, and when its image is gone', async (t) => {
  await tested.addDevice('shop');
  const worker = await failFirst(60_000);
  t.after(() => worker.stop());
  const failed = await send('shop', { prefer: 'wait=5' });
  await rm(join(tested.directory, 'blobs', idOf(failed)));
  assert.equal((await ask('POST', `/messages/${idOf(failed)}/retry`)).body.code, 'NOT_FOUND');
  await tested.redis.hdel(tested.keys.device('shop').record, 'jid');
  assert.equal((await ask('POST', `/messages/${idOf(failed)}/retry`)).body.code, 'DEVICE_NOT_CONNECTED');
});
