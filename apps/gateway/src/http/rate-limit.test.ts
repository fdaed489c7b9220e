import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { samplePng } from '../testing/sample-png.ts';
import { sendForm } from '../testing/send-form.ts';

let tested: GatewayUnderTest;
let peer: string;
const WINDOW_MS = 60_000;
const image = samplePng();

before(async () => {
  tested = await startGatewayUnderTest({
    API_KEYS: 'shop:secret-a-secret-for-tests,other:secret-b-secret-for-tests',
    SYNC_WAIT_MS: '0',
    RATE_LIMIT_MAX: '2',
    RATE_LIMIT_WINDOW_MS: String(WINDOW_MS),
  });
  peer = await tested.startPeer();
});
after(() => tested.stop());
beforeEach(async () => {
  await tested.reset();
  await tested.addDevice('phone');
});

const send = (url: string, secret: string, headers: Record<string, string> = {}) =>
  sendForm(url, { image }, { 'x-api-key': `${secret}-secret-for-tests`, ...headers });

test('a key that asks too often is RATE_LIMITED at every gateway, nothing is queued, and other keys go on', async () => {
  assert.equal((await send(tested.url, 'secret-a')).status, 202);
  assert.equal((await send(peer, 'secret-a')).status, 202);
  for (const url of [tested.url, peer]) {
    const refused = await send(url, 'secret-a');
    assert.deepEqual([refused.status, refused.body.code], [429, 'RATE_LIMITED']);
    const wait = Number(refused.headers.get('retry-after'));
    assert.ok(wait > 0 && wait <= WINDOW_MS / 1000, String(wait));
  }
  assert.equal(await tested.laneSize('phone'), 2);
  assert.equal((await tested.storedFiles()).length, 2);
  assert.equal((await send(tested.url, 'secret-b')).status, 202);
});

test('asking again with the same Idempotency-Key counts once', async () => {
  const again = { 'idempotency-key': 'order-1' };
  for (let n = 0; n < 4; n += 1) assert.equal((await send(tested.url, 'secret-a', again)).status, 202);
  assert.equal((await send(tested.url, 'secret-a')).status, 202);
  assert.equal((await send(tested.url, 'secret-a')).body.code, 'RATE_LIMITED');
});

test('a request that is refused does not count, whatever refused it', async () => {
  await tested.addDevice('away', { state: 'disconnected', since: 0, connected_until: 0 });
  const key = { 'x-api-key': 'secret-a-secret-for-tests' };
  const refused = [
    () => send(tested.url, 'secret-a', { 'x-device-id': 'unknown' }),
    () => send(tested.url, 'secret-a', { 'x-device-id': 'away' }),
    () => sendForm(tested.url, { image, phone: 'nobody' }, { ...key, 'x-device-id': 'phone' }),
    () => sendForm(tested.url, { image: Buffer.from('no picture') }, { ...key, 'x-device-id': 'phone' }),
  ];
  for (const ask of refused) {
    const { code } = (await ask()).body;
    assert.ok(['DEVICE_NOT_FOUND', 'DEVICE_NOT_CONNECTED', 'VALIDATION_ERROR'].includes(code), code);
  }
  const named = { 'x-device-id': 'phone' };
  for (let n = 0; n < 2; n += 1) assert.equal((await send(tested.url, 'secret-a', named)).status, 202);
  assert.equal((await send(tested.url, 'secret-a', named)).body.code, 'RATE_LIMITED');
});
