import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createIdempotencyClaims } from '@postern/registry';
import { delay } from '@postern/runtime';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { samplePng } from '../testing/sample-png.ts';
import { sendForm } from '../testing/send-form.ts';

const TTL_MS = 1_000;
let tested: GatewayUnderTest;
before(async () => {
  tested = await startGatewayUnderTest({ IDEMPOTENCY_TTL_MS: String(TTL_MS) });
  await tested.addDevice('phone');
});
after(() => tested.stop());

const image = samplePng();
async function send(): Promise<string> {
  const headers = { 'x-device-id': 'phone', 'idempotency-key': 'k', prefer: 'respond-async' };
  const { status, body } = await sendForm(tested.url, { image }, headers);
  assert.ok(status < 300, body.message);
  return String(body.results?.['message_id']);
}

async function untilLapsed(): Promise<void> {
  const claims = createIdempotencyClaims(tested.redis, tested.keys, { ttlMs: TTL_MS });
  for (const deadline = Date.now() + 10_000; !(await claims.find('local', 'k'))?.isLapsed; await delay(20)) {
    assert.ok(Date.now() < deadline);
  }
}

test('a repeat makes no second message while the first one waits, however short the key’s time is', async () => {
  const first = await send();
  await untilLapsed();
  assert.equal(await send(), first);
  await tested.messages.markSent('phone', first, Date.now());
  const second = await send();
  assert.notEqual(second, first);
  assert.equal(await send(), second);
});

test('a key whose time is over and whose message has ended is free for another request', async () => {
  await untilLapsed();
  const first = await send();
  await tested.messages.markSent('phone', first, Date.now());
  const headers = { 'x-device-id': 'phone', 'idempotency-key': 'k', prefer: 'respond-async' };
  const { status } = await sendForm(tested.url, { image, caption: 'another' }, headers);
  assert.equal(status, 202);
});
