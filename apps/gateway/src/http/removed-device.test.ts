import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { createDevices } from '@postern/registry';
import { delay } from '@postern/runtime';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { samplePng } from '../testing/sample-png.ts';
import { PHONE, toAnswer, toForm } from '../testing/send-form.ts';

let tested: GatewayUnderTest;
before(async () => {
  tested = await startGatewayUnderTest();
});
afterEach(() => tested.reset());
after(() => tested.stop());

/** Sends an image, and does something while half of it is on its way. */
async function sendAround(meanwhile: () => Promise<void>, headers: Record<string, string> = {}) {
  const whole = new Response(toForm({ phone: PHONE, image: samplePng() }));
  const bytes = new Uint8Array(await whole.arrayBuffer());
  const middle = Math.floor(bytes.length * 0.8);
  async function* halves() {
    yield bytes.subarray(0, middle);
    const deadline = Date.now() + 5_000;
    while ((await tested.storedFiles()).length === 0 && Date.now() < deadline) await delay(5);
    await meanwhile();
    yield bytes.subarray(middle);
  }
  return await toAnswer(
    await fetch(`${tested.url}/send/image`, {
      method: 'POST',
      headers: { 'content-type': String(whole.headers.get('content-type')), 'x-device-id': 'shop', ...headers },
      body: ReadableStream.from(halves()),
      duplex: 'half',
    }),
  );
}

async function remove(): Promise<void> {
  const devices = createDevices(tested.redis, tested.keys);
  await devices.beginRemoval('shop', 'worker-1#1');
  await devices.finishRemoval('shop', 'worker-1#1');
  await tested.redis.del(tested.keys.device('shop').lease);
}

const CASES: [string, () => Promise<void>, Record<string, string>][] = [
  ['removed', remove, {}],
  ['removed', remove, { 'idempotency-key': 'once' }],
  ['being removed', () => createDevices(tested.redis, tested.keys).beginRemoval('shop', 'worker-1#1'), {}],
  [
    'removed and registered anew',
    async () => {
      await remove();
      await tested.addDevice('shop');
    },
    {},
  ],
];
for (const [what, meanwhile, headers] of CASES) {
  const how = Object.keys(headers).join();
  test(`a device that is ${what} while an image for it is uploaded is not found, and nothing is queued ${how}`, async () => {
    await tested.addDevice('shop');
    const answer = await sendAround(meanwhile, headers);
    assert.deepEqual(
      [answer.status, answer.body.code, answer.body.results],
      [404, 'DEVICE_NOT_FOUND', { device_id: 'shop' }],
    );
    assert.equal(await tested.laneSize('shop'), 0);
    assert.deepEqual(await tested.storedFiles(), []);
    assert.equal(await tested.redis.exists(tested.keys.deadlines), 0);
    const left = await tested.redis.keys('test:*');
    assert.deepEqual(
      left.filter((key) => /idempotency|\}:message/.test(key)),
      [],
    );
  });
}
