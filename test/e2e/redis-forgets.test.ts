import assert from 'node:assert/strict';
import { readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { request } from '../support/api.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { assertSent } from '../support/message-status.ts';
import { scrapeText } from '../support/scrape.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const NUMBER = '6281234567890';
const FORGOTTEN = 'redis has forgotten accepted messages';
let stack: Stack;

before(async () => {
  stack = await startStack({ workerEnv: { LEASE_TTL_MS: '2000' } });
  await stack.pair('shop', '6280000000001');
  stack.simulator.addPhone({ number: NUMBER });
});
after(() => stack.stop());

async function acceptWaiting(count: number): Promise<string[]> {
  await request(stack.url, 'POST', '/lanes/shop/pause');
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const fields = { phone: NUMBER, image: await createPicture(n) };
    const answer = await sendImage(stack.url, 'shop', fields, { Prefer: 'respond-async, wait=0' });
    assert.equal(answer.status, 202);
    ids.push(String(answer.results['message_id']));
  }
  return ids.toSorted();
}

const idsTold = () =>
  stack.gateway
    .logged(FORGOTTEN)
    .flatMap((line) => line['message_ids'] as string[])
    .toSorted();

test('a Redis that comes back without its last moments: which accepted messages are unknown is told, and only those', async () => {
  assertSent(await sendImage(stack.url, 'shop', { phone: NUMBER, image: await createPicture(99) }));
  const [, directory = ''] = await stack.redis.config('GET', 'dir');
  await stack.redis.config('SET', 'appendfsync', 'always');
  await stack.redis.set('everything', 'is on the disk');
  const files = await readdir(join(directory, 'appendonlydir'));
  const file = join(directory, 'appendonlydir', files.find((name) => name.endsWith('.incr.aof')) ?? '');
  const { size } = await stat(file);
  const ids = await acceptWaiting(3);
  process.kill(stack.redisServer.pid, 'SIGKILL');
  await waitUntil('Redis is gone', async () => (await fetch(`${stack.url}/readyz`)).status === 503);
  await truncate(file, size);
  await stack.restartRedis();
  await waitUntil('it is told', () => idsTold().length > 0);
  assert.deepEqual(idsTold(), ids);
  assert.equal(stack.gateway.logged('redis has lost what it held').length, 0);
});

test('FLUSHALL under load: sockets of devices that nobody knows are closed, and log, metrics and alert say what is lost', async () => {
  await request(stack.url, 'POST', '/lanes/shop/resume');
  const toldBefore = idsTold();
  const ids = await acceptWaiting(5);
  await stack.redis.flushall();
  await waitUntil('the gateway has told', () => idsTold().length >= toldBefore.length + ids.length);
  for (const id of ids) assert.ok(idsTold().includes(id));
  await waitUntil('its socket is closed', () => stack.simulator.connections().length === 0);
  const lost = 'redis has lost what it held: devices, messages and credentials are gone';
  for (const service of [stack.gateway, stack.worker]) {
    assert.equal(service.logged(lost).length, 1);
  }
  const messages = `postern_redis_forgot_total{what="message"} ${idsTold().length}\n`;
  assert.ok((await scrapeText(stack.gateway)).includes(messages));
  assert.match(await scrapeText(stack.worker), /postern_redis_forgot_total\{what="device"\} 1\n/);
  const [dropped] = stack.worker.logged('redis has forgotten a device: its socket is closed, link it again');
  assert.equal(dropped?.['device_id'], 'shop');
  // Everything that processes agree on is there again, and the device can be linked anew.
  await waitUntil('the gateway is ready', async () => (await fetch(`${stack.url}/readyz`)).status === 200);
  await stack.pair('shop', '6280000000001');
  assertSent(await sendImage(stack.url, 'shop', { phone: NUMBER, image: await createPicture(7) }));
});
