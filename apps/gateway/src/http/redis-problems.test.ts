import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { delay } from '@postern/runtime';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { samplePng } from '../testing/sample-png.ts';
import { sendForm } from '../testing/send-form.ts';

let tested: GatewayUnderTest;
beforeEach(async () => {
  tested = await startGatewayUnderTest();
  await tested.addDevice('phone');
});
afterEach(() => tested.stop());

const image = samplePng();
const send = (headers: Record<string, string> = {}) =>
  sendForm(tested.url, { image }, { 'x-device-id': 'phone', prefer: 'respond-async', ...headers });
const readiness = async () => ((await (await fetch(`${tested.url}/readyz`)).json()) as { message: string }).message;
const scrape = async () => await (await fetch(`http://127.0.0.1:${tested.gateway.metricsPort}/metrics`)).text();

/** The gateway looks every 5 s. */
async function untilStatus(status: number): Promise<Awaited<ReturnType<typeof send>>> {
  for (const deadline = Date.now() + 20_000; ; await delay(50)) {
    const answer = await send();
    if (answer.status === status) return answer;
    assert.ok(Date.now() < deadline, `${answer.status} instead of ${status}`);
  }
}

test('from the high-water mark on nothing is accepted, repeats are answered, and it says so until there is room', async () => {
  const key = { 'idempotency-key': 'k' };
  const first = await send(key);
  // So much that what is between the mark and maxmemory is enough for this test.
  await tested.redis.setrange('filler', 32 * 1024 * 1024, 'x');
  const { used_memory: used } = Object.fromEntries(
    (await tested.redis.info('memory')).split('\r\n').map((line) => line.split(':')),
  ) as Record<string, string>;
  // 95 % full: Redis itself still takes writes.
  await tested.redis.config('SET', 'maxmemory', String(Math.round(Number(used) / 0.95)));
  const refused = await untilStatus(503);
  assert.deepEqual([refused.body.code, refused.headers.get('retry-after')], ['QUEUE_UNAVAILABLE', '30']);
  assert.deepEqual((await send(key)).body, first.body);
  assert.equal(await readiness(), 'ready');
  assert.match(await scrape(), /postern_admissions_refused_total\{problem="high_water"\} [1-9]/);
  assert.match(await scrape(), /postern_redis_problem\{problem="high_water"\} 1/);
  const logged = tested.logLines().filter((line) => line.includes('redis has a problem'));
  assert.equal(logged.length, 1);
  assert.match(logged[0] ?? '', /"level":"warn".*"problem":"high_water"/);
  await tested.redis.config('SET', 'maxmemory', '0');
  await untilStatus(202);
});

test('a Redis that evicts makes the gateway refuse and not ready, and one without an append-only file only warns', async () => {
  await tested.redis.config('SET', 'appendonly', 'no');
  await tested.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const refused = await untilStatus(503);
  assert.equal(refused.body.code, 'QUEUE_UNAVAILABLE');
  assert.match(await readiness(), /redis settings: its maxmemory-policy is allkeys-lru/);
  assert.match(await scrape(), /postern_redis_problem\{problem="not_append_only"\} 1/);
  const logged = tested.logLines().filter((line) => line.includes('redis has a problem'));
  assert.match(logged.join(), /"level":"error".*allkeys-lru/);
  assert.match(logged.join(), /"level":"warn".*no append-only file/);
  await tested.redis.config('SET', 'maxmemory-policy', 'noeviction');
  await untilStatus(202);
});
