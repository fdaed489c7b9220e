import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createIdempotencyClaims } from '@postern/registry';
import { delay } from '@postern/runtime';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { ENDLESS_IMAGE } from '../testing/raw-request.ts';
import { samplePng } from '../testing/sample-png.ts';
import { type Answer, sendForm, toAnswer } from '../testing/send-form.ts';

let tested: GatewayUnderTest;
beforeEach(async () => {
  tested = await startGatewayUnderTest({ LANE_LIMIT: '1', SYNC_WAIT_MS: '0' });
  await tested.addDevice('phone');
});
afterEach(() => tested.stop());

const image = samplePng();
const send = (key: string) => sendForm(tested.url, { image }, { 'idempotency-key': key });
const findClaim = (key: string) =>
  createIdempotencyClaims(tested.redis, tested.keys, { ttlMs: 60_000 }).find('local', key);

/** Begins an upload that is admitted, and answers how to end it. */
async function beginUpload(key: string): Promise<{ finish: () => Promise<Answer>; abort: () => Promise<void> }> {
  const cutting = new AbortController();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(started) {
      controller = started;
    },
  });
  controller?.enqueue(Buffer.concat([Buffer.from(ENDLESS_IMAGE), image.subarray(0, 100)]));
  const headers = { 'idempotency-key': key, 'content-type': 'multipart/form-data; boundary=x' };
  const init = { method: 'POST', headers, body, duplex: 'half', signal: cutting.signal } as const;
  const asking = fetch(`${tested.url}/send/image`, init);
  asking.catch(() => {});
  const deadline = Date.now() + 5_000;
  while ((await tested.storedFiles()).length === 0 && Date.now() < deadline) await delay(10);
  return {
    async finish() {
      controller?.enqueue(Buffer.concat([image.subarray(100), Buffer.from('\r\n--x--\r\n')]));
      controller?.close();
      return toAnswer(await asking);
    },
    async abort() {
      cutting.abort();
      while ((await tested.storedFiles()).length > 0 && Date.now() < deadline) await delay(10);
    },
  };
}

test('a message that finds its lane full gives its key back, and is taken when there is room', async () => {
  const { finish } = await beginUpload('late');
  const first = await send('early');
  assert.equal(first.status, 202);
  const refused = await finish();
  assert.deepEqual([refused.status, refused.body.code], [429, 'QUEUE_FULL']);
  assert.equal(await findClaim('late'), undefined);
  assert.deepEqual(await tested.storedFiles(), [first.body.results?.['message_id']]);
  assert.deepEqual((await send('early')).body, first.body, 'what was accepted is told in spite of the limit');
  const lane = tested.keys.device('phone').lanePrefix;
  await tested.redis.del(`${lane}:lane:wait`);
  const taken = await send('late');
  assert.deepEqual([taken.status, taken.headers.get('idempotency-replayed')], [202, null]);
});

test('an upload that breaks off claims nothing', async () => {
  const { abort } = await beginUpload('cut');
  await abort();
  assert.equal(await findClaim('cut'), undefined);
  assert.deepEqual(await tested.storedFiles(), []);
});

test('a Redis that takes no writes when the key is claimed has accepted nothing; the key works afterwards', async () => {
  await tested.redis.call('CLIENT', 'PAUSE', '1500', 'WRITE');
  const refused = await send('paused');
  assert.deepEqual([refused.status, refused.body.code], [503, 'QUEUE_UNAVAILABLE']);
  assert.equal(refused.body.results, undefined);
  assert.deepEqual(await tested.storedFiles(), []);
  await tested.redis.set('written', 'once the pause is over');
  assert.equal(await findClaim('paused'), undefined, 'a claim that was carried out late is given back');
  assert.equal((await send('paused')).status, 202);
});

test('a Redis that is full claims nothing', async () => {
  await tested.redis.config('SET', 'maxmemory', '1');
  const refused = await send('full');
  assert.equal(refused.body.code, 'QUEUE_UNAVAILABLE');
  await tested.redis.config('SET', 'maxmemory', '0');
  assert.equal(await findClaim('full'), undefined);
  assert.equal((await send('full')).status, 202);
});

test('when a first request cannot go on and a second one took over, the key stays the message’s', async () => {
  const claims = createIdempotencyClaims(tested.redis, tested.keys, { ttlMs: 60_000 });
  const claim = { messageId: 'one', deviceId: 'phone', fingerprint: 'f' };
  await claims.claim('local', 'k', claim);
  assert.equal(await claims.adopt('local', 'k', claim), true);
  assert.equal(await claims.adopt('local', 'k', claim), true, 'a third may help too');
  assert.equal(await claims.release('local', 'k', claim), false);
  assert.equal(await claims.adopt('local', 'k', { ...claim, messageId: 'two' }), false);
  const found = await claims.find('local', 'k');
  assert.ok(found?.isAdopted);
  assert.equal(await claims.release('local', 'k', found), true);
  assert.equal(await claims.adopt('local', 'k', claim), false);
});
