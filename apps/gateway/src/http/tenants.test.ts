import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { type Answer, sendForm } from '../testing/send-form.ts';

const SHOP = { 'x-api-key': 'secret-of-the-shop' };
const SENDER = { 'x-api-key': 'secret-of-the-sender' };
const ADMIN = { 'x-api-key': 'secret-of-the-admin' };
const OTHERS_JID = '628120000001:3@s.whatsapp.net';

let tested: GatewayUnderTest;
before(async () => {
  tested = await startGatewayUnderTest({
    API_KEYS: `admin:${ADMIN['x-api-key']},shop:${SHOP['x-api-key']}:shop|gone,sender:${SENDER['x-api-key']}:shop:send`,
    SYNC_WAIT_MS: '0',
  });
  await tested.addDevice('shop');
  await tested.addDevice('office', {}, OTHERS_JID);
});
after(() => tested.stop());

async function call(method: string, path: string, headers: Record<string, string>, body?: unknown) {
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  const json = { 'content-type': 'application/json', ...headers };
  const response = await fetch(`${tested.url}${path}`, { method, headers: json, ...init });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

test('a device of somebody else is refused word for word like one that does not exist, by id and by JID', async () => {
  const existing = { office: 'nobody', [OTHERS_JID]: '628129999999:3@s.whatsapp.net' };
  for (const [name, missing] of Object.entries({
    ...existing,
    '628120000001@s.whatsapp.net': '62812@s.whatsapp.net',
  })) {
    for (const ask of [
      async (device: string) => (await sendForm(tested.url, {}, { ...SHOP, 'x-device-id': device })).body,
      async (device: string) => (await call('GET', `/devices/${device}`, SHOP)).body,
      async (device: string) => (await call('POST', `/lanes/${device}/pause`, SHOP)).body,
      async (device: string) => (await call('GET', `/messages?device_id=${device}`, SHOP)).body,
    ]) {
      const [refused, unknown] = [await ask(name), await ask(missing)];
      assert.equal(refused.code, 'FORBIDDEN');
      assert.deepEqual(refused.results, { device_id: name });
      assert.deepEqual(unknown, { ...refused, results: { device_id: missing } });
    }
  }
  assert.equal((await call('GET', '/devices/gone', SHOP)).body.code, 'DEVICE_NOT_FOUND');
});

test('an id that no path can hold, and the JID of an account, are no ids of devices', async () => {
  const jids = ['628120000001@s.whatsapp.net', '628120000001@S.WhatsApp.net', '62812@lid', '62812@c.us', '12-3@g.us'];
  for (const device_id of ['.', '..', ...jids]) {
    assert.equal((await call('POST', '/devices', ADMIN, { device_id })).status, 400, device_id);
  }
  for (const device_id of ['...', 'till@shop', '.a']) {
    assert.equal((await call('POST', '/devices', ADMIN, { device_id })).status, 200, device_id);
  }
});

test('a key that may only send reads what it sent itself, and nothing else', async () => {
  const send = async (headers: Record<string, string>) => {
    const { body } = await sendForm(tested.url, {}, { ...headers, 'x-device-id': 'shop' });
    return `/messages/${String(body.results?.['message_id'])}`;
  };
  const own = await send(SENDER);
  const others = await send(SHOP);
  assert.deepEqual(
    [await call('GET', own, SENDER), await call('GET', others, SENDER)].map(({ status }) => status),
    [200, 404],
  );
  assert.equal((await call('DELETE', others, SENDER)).status, 404);
  assert.equal((await call('DELETE', own, SENDER)).status, 200);
  assert.equal((await call('GET', '/messages', SENDER)).status, 403);
  for (const path of [own, others]) assert.equal((await call('GET', path, SHOP)).status, 200);
});
