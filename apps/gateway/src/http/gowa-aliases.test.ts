import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPairingQrs } from '@postern/registry';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { startWorkerDouble, type WorkerDouble } from '../testing/worker-double.ts';

let tested: GatewayUnderTest;
let worker: WorkerDouble;

before(async () => {
  tested = await startGatewayUnderTest({ BASIC_AUTH: 'gowa:a-long-enough-password' });
  await tested.addDevice('fresh', { state: 'unpaired' }, null);
  worker = await startWorkerDouble(tested, {
    deviceId: 'fresh',
    async onCommand({ name, device_id, phone }) {
      if (name === 'login') await createPairingQrs(tested.redis, tested.keys).show(device_id, '2@qr', 20_000);
      if (name === 'pair_code') return { results: { pair_code: 'ABCD1234' } };
      return name === 'check' ? { results: { is_on_whatsapp: String(phone === '6281234567890') } } : {};
    },
  });
});
after(async () => {
  await worker.stop();
  await tested.stop();
});

async function get(path: string, headers: Record<string, string> = {}) {
  const authorization = `Basic ${Buffer.from('gowa:a-long-enough-password').toString('base64')}`;
  const response = await fetch(`${tested.url}${path}`, { headers: { authorization, ...headers } });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('GoWA clients find the only device without naming it, and its state', async () => {
  assert.deepEqual((await get('/app/devices')).body, {
    code: 'SUCCESS',
    message: 'Fetch device success',
    results: [{ name: 'fresh', device: 'fresh', jid: '' }],
  });
  assert.deepEqual((await get('/app/status')).body['results'], {
    is_connected: false,
    is_logged_in: false,
    device_id: 'fresh',
    jid: '',
  });
});

test('GoWA clients pair a device by QR and by code', async () => {
  const login = await get('/app/login');
  const { device_id, qr_link, qr_duration } = login.body['results'] as Record<string, unknown>;
  assert.equal(device_id, 'fresh');
  assert.ok(typeof qr_duration === 'number' && qr_duration > 0);
  assert.equal((await fetch(String(qr_link))).headers.get('content-type'), 'image/png');
  const code = await get('/app/login-with-code?phone=628111111111');
  assert.deepEqual(code.body['results'], { device_id: 'fresh', pair_code: 'ABCD1234' });
});

test('log out and reconnect, by both of their paths, and removal answer without results', async () => {
  for (const path of ['/app/logout', '/app/reconnect']) {
    const { status, body } = await get(path, { 'x-device-id': 'fresh' });
    assert.deepEqual([status, body['code'], Object.keys(body)], [200, 'SUCCESS', ['code', 'message']]);
  }
  const authorization = `Basic ${Buffer.from('gowa:a-long-enough-password').toString('base64')}`;
  for (const [method, path] of [
    ['POST', '/devices/fresh/logout'],
    ['POST', '/devices/fresh/reconnect'],
    ['DELETE', '/devices/fresh'],
  ] as const) {
    const response = await fetch(`${tested.url}${path}`, { method, headers: { authorization } });
    const body = (await response.json()) as Record<string, unknown>;
    assert.deepEqual([response.status, Object.keys(body)], [200, ['code', 'message']]);
  }
});

test('a number is checked on WhatsApp, also when it comes as a JID; a group is refused', async () => {
  assert.deepEqual((await get('/user/check?phone=%2B62%20812-3456-7890')).body, {
    code: 'SUCCESS',
    message: 'Success check user',
    results: { is_on_whatsapp: true },
  });
  const nobody = await get('/user/check?phone=6280000000001%40s.whatsapp.net&device_id=fresh');
  assert.deepEqual(nobody.body['results'], { is_on_whatsapp: false });
  for (const phone of ['', '120363000000000000@g.us', 'abc']) {
    const refused = await get(`/user/check?phone=${encodeURIComponent(phone)}`);
    assert.deepEqual([refused.status, refused.body['code']], [400, 'VALIDATION_ERROR'], phone);
  }
});

test('another site cannot make a browser with Basic credentials pair, unlink or reconnect by a link', async () => {
  const foreign = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
  const commandsBefore = worker.commands.length;
  const paths = ['login', 'login-with-code?phone=628111111111', 'logout', 'reconnect'].map((name) => `/app/${name}`);
  for (const path of [...paths, '/devices/fresh/login', '/devices/fresh/login/stream']) {
    const { status, body } = await get(path, foreign);
    assert.deepEqual([status, body['code']], [403, 'FORBIDDEN'], path);
  }
  assert.equal(worker.commands.length, commandsBefore);
  assert.equal((await get('/app/status', foreign)).status, 200);
});

test('a webhook that would have no effect is refused when a device is added', async () => {
  const authorization = `Basic ${Buffer.from('gowa:a-long-enough-password').toString('base64')}`;
  const response = await fetch(`${tested.url}/devices`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ device_id: 'hooked', webhook_url: 'https://example.com/hook' }),
  });
  const { results } = (await response.json()) as { results: { errors: { field: string }[] } };
  assert.deepEqual([response.status, results.errors.map(({ field }) => field)], [400, ['webhook_url']]);
  assert.equal((await get('/devices/hooked')).status, 404);
});

test('without a name and with several devices, the device must be named', async () => {
  await tested.addDevice('second');
  const { status, body } = await get('/app/status');
  assert.deepEqual([status, body['code']], [400, 'DEVICE_ID_REQUIRED']);
  assert.equal((await get('/app/status', { 'x-device-id': 'second' })).status, 200);
});
