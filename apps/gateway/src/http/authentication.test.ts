import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { type Answer, sendForm } from '../testing/send-form.ts';

let tested: GatewayUnderTest;
before(async () => {
  tested = await startGatewayUnderTest({
    API_KEYS: 'admin:adminkey-for-tests,shop:shopkey-for-tests:shop-phone,viewer:viewkey-for-tests:*:read',
    BASIC_AUTH: 'ann:password-for-tests',
    SYNC_WAIT_MS: '0',
  });
  await tested.addDevice('shop-phone');
  await tested.addDevice('private-phone');
});
after(() => tested.stop());

const BASIC = `Basic ${Buffer.from('ann:password-for-tests').toString('base64')}`;

async function call(method: string, path: string, headers: Record<string, string> = {}, body?: unknown) {
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  const json = { 'content-type': 'application/json', ...headers };
  const response = await fetch(`${tested.url}${path}`, { method, headers: json, ...init });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
}

test('without or with wrong credentials everything but health is 401 with a challenge', async () => {
  for (const path of ['/devices', '/devices/shop-phone', '/messages/3EB0AAAAAAAAAAAAAAAAAA']) {
    const answer = await call('GET', path);
    assert.equal(answer.status, 401);
    assert.equal(answer.body.code, 'AUTHENTICATION_ERROR');
    assert.match(String(answer.headers.get('www-authenticate')), /Bearer.*Basic/);
  }
  for (const headers of [{ 'x-api-key': 'no' }, { authorization: 'Bearer no' }, { authorization: 'Basic !' }]) {
    const answer = await sendForm(tested.url, {}, headers);
    assert.equal(answer.status, 401);
  }
  for (const path of ['/healthz', '/readyz']) assert.equal((await call('GET', path)).status, 200);
});

test('a key, a bearer token and Basic are let in', async () => {
  for (const headers of [
    { 'x-api-key': 'adminkey-for-tests' },
    { authorization: 'Bearer adminkey-for-tests' },
    { authorization: BASIC },
  ]) {
    assert.equal((await call('GET', '/devices', headers)).status, 200);
  }
});

test('a key sees and uses only its devices and their messages', async () => {
  const shop = { 'x-api-key': 'shopkey-for-tests' };
  const list = await call('GET', '/devices', shop);
  assert.deepEqual(
    (list.body.results as unknown as { id: string }[]).map(({ id }) => id),
    ['shop-phone'],
  );
  for (const name of ['private-phone', 'unheard-of']) {
    const answer = await sendForm(tested.url, {}, { ...shop, 'x-device-id': name });
    assert.equal(answer.status, 403);
    assert.equal(answer.body.code, 'FORBIDDEN');
  }
  const chosen = await sendForm(tested.url, {}, shop);
  assert.equal(chosen.status, 202, 'its only device needs no name');
  const others = await sendForm(tested.url, {}, { 'x-api-key': 'adminkey-for-tests', 'x-device-id': 'private-phone' });
  const hidden = await call('GET', `/messages/${String(others.body.results?.['message_id'])}`, shop);
  assert.equal(hidden.status, 404);
  assert.equal((await call('POST', '/devices', shop, { device_id: 'mine' })).status, 403);
});

test('a key that may only read can not send', async () => {
  const answer = await sendForm(tested.url, {}, { 'x-api-key': 'viewkey-for-tests', 'x-device-id': 'shop-phone' });
  assert.equal(answer.status, 403);
  assert.deepEqual(answer.body.code, 'FORBIDDEN');
});

test('a browser may not use what it sends along by itself for another site', async () => {
  const host = new URL(tested.url).host;
  const own = { authorization: BASIC, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
  const foreign = [
    { ...own, origin: 'http://evil.example' },
    { ...own, 'sec-fetch-site': 'cross-site' },
    { ...own, origin: 'null' },
  ];
  assert.equal((await call('POST', '/devices', own, { device_id: 'own' })).status, 200);
  for (const headers of foreign) assert.equal((await call('POST', '/devices', headers, {})).status, 403);
  const byKey = { origin: 'http://app.example', 'x-api-key': 'adminkey-for-tests' };
  assert.equal((await call('POST', '/devices', byKey, { device_id: 'by-key' })).status, 200);
});

test('a key is exchanged for a cookie that only the own pages can use', async () => {
  assert.equal((await call('POST', '/session', {}, { key: 'wrong' })).status, 401);
  const begun = await call('POST', '/session', {}, { key: 'shopkey-for-tests' });
  const setCookie = String(begun.headers.get('set-cookie'));
  assert.match(setCookie, /HttpOnly; SameSite=Strict/);
  assert.doesNotMatch(setCookie, /shopkey-for-tests/);
  const cookie = setCookie.split(';')[0] ?? '';
  assert.equal((await call('GET', '/devices', { cookie })).status, 200);
  assert.equal((await call('GET', '/devices/private-phone', { cookie })).status, 403);
  const forged = cookie.replace(/=./, (start) => (start === '=A' ? '=B' : '=A'));
  assert.equal((await call('GET', '/devices', { cookie: forged })).status, 401);
  const foreign = { cookie, origin: 'http://evil.example' };
  assert.equal((await call('POST', '/devices', foreign, { device_id: 'shop-phone' })).status, 403);
});

test('without a key no more than 4 KB are read, and no more than 320 fields', async () => {
  const post = (body: string) =>
    fetch(`${tested.url}/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body,
    });
  assert.equal((await post(`key=${'a'.repeat(4_000)}`)).status, 401);
  for (const body of [`key=${'a'.repeat(4_096)}`, '&a='.repeat(321)]) assert.equal((await post(body)).status, 400);
});

test('no log line holds a credential', () => {
  const log = tested.logLines().join('\n');
  for (const secret of ['adminkey', 'shopkey', 'viewkey', 'password-for-tests', BASIC.slice(6)])
    assert.ok(!log.includes(secret));
});
