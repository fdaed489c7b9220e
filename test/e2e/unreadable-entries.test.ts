import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKeys } from '@postern/registry';
import type { Phone } from '@postern/simulator';
import { request } from '../support/api.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { assertAcceptedFailure, assertSent, untilState } from '../support/message-status.ts';
import { scrape, total } from '../support/scrape.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const keys = createKeys('postern');
const shop = keys.device('shop');
let stack: Stack;
let friend: Phone;
let image: Buffer;

before(async () => {
  stack = await startStack({ workerEnv: { LEASE_TTL_MS: '2000' } });
  await stack.pair('shop', '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  image = await createPicture();
});
after(() => stack.stop());

const send = (headers: Record<string, string> = {}) =>
  sendImage(stack.url, 'shop', { phone: friend.number, image, caption: 'a secret' }, headers);
const nextWaiting = async () => (await stack.redis.lrange(`${shop.lanePrefix}:lane:wait`, -1, -1))[0];

test('a job that cannot be read fails at once for who waits, and the next message is sent', async () => {
  await request(stack.url, 'POST', '/lanes/shop/pause');
  const [waiting, startedAt] = [send(), performance.now()];
  const id = await waitUntil('it waits', nextWaiting);
  const later = send();
  await stack.redis.hset(`${shop.lanePrefix}:lane:${id}`, 'data', '{"caption":"a secret');
  await request(stack.url, 'POST', '/lanes/shop/resume');
  await assertAcceptedFailure(stack, 'shop', await waiting, { status: 500, code: 'INTERNAL_ERROR' });
  assert.ok(performance.now() - startedAt < 15_000, 'not only when somebody tidies up');
  assertSent(await later);
  const families = await scrape(stack.worker);
  assert.equal(total(families, 'postern_jobs_dropped_total', { reason: 'unreadable' }), 1);
  assert.deepEqual(
    stack.worker.logged('job dropped: it cannot be read').map((line) => line['message_id']),
    [id],
  );
  assert.ok(!stack.worker.output().includes('secret'));
});

test('one unreadable record is left out of the lists, counted, and told in the log', async () => {
  const [first, second] = [assertSent(await send()), assertSent(await send())];
  await untilState(stack.url, first, 'delivered');
  await stack.redis.hset(shop.message(first), 'created_at', 'some day');
  const { status, results } = await request(stack.url, 'GET', '/messages?device_id=shop');
  const ids = (results['messages'] as { message_id: string }[]).map(({ message_id }) => message_id);
  assert.deepEqual([status, ids[0], ids.includes(first)], [200, second, false]);

  assert.equal((await request(stack.url, 'POST', '/devices', { device_id: 'other' })).status, 200);
  await stack.redis.hset(keys.device('other').record, 'created_at', 'some day');
  for (const path of ['/devices', '/lanes']) {
    const answer = await fetch(`${stack.url}${path}`);
    const { results: listed } = (await answer.json()) as { results: { device_id: string }[] };
    assert.deepEqual([answer.status, listed.map(({ device_id }) => device_id)], [200, ['shop']], path);
  }
  const families = await scrape(stack.gateway);
  for (const what of ['device', 'message']) assert.ok((total(families, 'postern_unreadable_total', { what }) ?? 0) > 0);
  const lines = stack.gateway.logged('left out: an entry in Redis cannot be read').map((line) => JSON.stringify(line));
  assert.ok(
    lines.some((line) => /the record of message .*: its created_at is no number/.test(line)),
    lines.join(),
  );
});

test('a device that cannot be read keeps a new worker from none of the others, and its own damage is repaired', async () => {
  await stack.redis.hset(shop.record, 'connection', '{');
  stack.worker.kill('SIGKILL');
  await stack.startWorker();
  await waitUntil('it is connected', async () => {
    const { status, results } = await request(stack.url, 'GET', '/devices/shop');
    return status === 200 && (results['connection'] as { state: string }).state === 'connected';
  });
  assertSent(await send());
});
