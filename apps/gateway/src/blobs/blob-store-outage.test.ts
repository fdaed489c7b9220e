import assert from 'node:assert/strict';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, test } from 'node:test';
import { startLocalRedis } from '@postern/local-redis';
import { createLogger, delay } from '@postern/runtime';
import { readConfig } from '../config.ts';
import { startGateway } from '../gateway.ts';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { sendForm } from '../testing/send-form.ts';

let tested: GatewayUnderTest;
beforeEach(async () => {
  tested = await startGatewayUnderTest({ BLOB_GRACE_MS: '1000' });
  await tested.addDevice('phone');
});
afterEach(() => tested.stop());

const logger = createLogger({ name: 'other', level: 'silent', destination: new PassThrough() });
const later = { Prefer: 'respond-async' };

async function untilReadiness(status: number): Promise<string> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    const answer = await fetch(`${tested.url}/readyz`);
    const text = await answer.text();
    if (answer.status === status) return text;
    assert.ok(performance.now() < deadline, `still ${answer.status}: ${text}`);
    await delay(50);
  }
}

test('while the blob store is away uploads are told to come again, the gateway is not ready, and then all goes on', async () => {
  const away = `${tested.directory}-away`;
  await rename(tested.directory, away);
  const refused = await sendForm(tested.url);
  assert.deepEqual([refused.status, refused.body.code], [503, 'STORAGE_UNAVAILABLE']);
  assert.equal(refused.headers.get('retry-after'), '5');
  assert.equal(refused.body.results, undefined);
  assert.doesNotMatch(refused.body.message, /\/|tmp/);
  assert.equal(await tested.laneSize('phone'), 0);
  // What a lost mount leaves.
  await mkdir(tested.directory);
  assert.equal((await sendForm(tested.url)).body.code, 'STORAGE_UNAVAILABLE');
  assert.match(await untilReadiness(503), /blobs: .*not mounted/);

  await rm(tested.directory, { recursive: true });
  await rename(away, tested.directory);
  await untilReadiness(200);
  assert.equal((await sendForm(tested.url, {}, later)).status, 202);
});

test('another installation on the same blob store does not start, and the waiting image stays', async (t) => {
  assert.equal((await sendForm(tested.url, {}, later)).status, 202);
  const waiting = await readdir(join(tested.directory, 'blobs'));
  assert.equal(waiting.length, 1);
  const otherRedis = await startLocalRedis();
  t.after(() => otherRedis.stop());
  for (const settings of [
    { REDIS_URL: tested.server.url, REDIS_PREFIX: 'other' },
    { REDIS_URL: otherRedis.url, REDIS_PREFIX: 'test' },
  ]) {
    const config = readConfig({
      ...settings,
      BLOB_DIR: tested.directory,
      BLOB_GRACE_MS: '1000',
      PORT: '0',
      METRICS_PORT: '0',
    });
    await assert.rejects(startGateway(config, logger), /belongs to another installation/);
  }
  assert.deepEqual(await readdir(join(tested.directory, 'blobs')), waiting);
});

test('a Redis that lost everything is told again whose store it is by whoever still runs', async () => {
  const owner = await tested.redis.get(tested.keys.installation);
  await tested.redis.flushall();
  const deadline = performance.now() + 5_000;
  while ((await tested.redis.get(tested.keys.installation)) === null && performance.now() < deadline) await delay(20);
  assert.equal(await tested.redis.get(tested.keys.installation), owner);
  await tested.startPeer();
});
