import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Lifetime } from '@postern/runtime';
import { startGatewayUnderTest } from '../testing/gateway-under-test.ts';

const lifetime = new Lifetime();
after(() => lifetime.stop());

const APP = 'https://app.example.com';
const start = async (variables: Record<string, string>) => {
  const credentials = { API_KEYS: 'app:a-long-enough-secret', BASIC_AUTH: 'user:a-long-enough-password' };
  return lifetime.use(await startGatewayUnderTest({ ...credentials, ...variables }), (tested) => tested.stop()).url;
};
const preflight = (url: string, origin: string) =>
  fetch(`${url}/send/image`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-api-key' },
  });

test('without CORS_ORIGINS no answer allows a page elsewhere anything', async () => {
  const url = await start({});
  const asked = await preflight(url, APP);
  assert.equal(asked.status, 405);
  const answer = await fetch(`${url}/healthz`, { headers: { origin: APP } });
  assert.ok([...asked.headers.keys(), ...answer.headers.keys()].every((name) => !name.startsWith('access-control')));
});

test('pages of a listed origin may ask with a key and read the answer; others may not', async () => {
  const url = await start({ CORS_ORIGINS: `${APP},http://localhost:5173` });
  const asked = await preflight(url, APP);
  assert.deepEqual([asked.status, asked.headers.get('access-control-allow-origin')], [204, APP]);
  assert.match(String(asked.headers.get('access-control-allow-methods')), /POST.*DELETE/);
  assert.match(String(asked.headers.get('access-control-allow-headers')), /Authorization.*X-Api-Key/);
  assert.equal(asked.headers.get('access-control-allow-credentials'), null);
  const headers = { origin: APP, 'sec-fetch-site': 'cross-site', 'x-api-key': 'a-long-enough-secret' };
  const added = await fetch(`${url}/devices`, { method: 'POST', headers });
  assert.deepEqual([added.status, added.headers.get('access-control-allow-origin')], [200, APP]);
  assert.match(String(added.headers.get('access-control-expose-headers')), /X-Request-Id/);
  const refused = await fetch(`${url}/devices/nobody`, { headers });
  assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [404, APP]);
  const other = await preflight(url, 'https://evil.example.com');
  assert.deepEqual([other.status, other.headers.get('access-control-allow-origin')], [405, null]);
});

test('what a browser proves by itself stays bound to our own origin, also for a listed one', async () => {
  const url = await start({ CORS_ORIGINS: '*' });
  const authorization = `Basic ${Buffer.from('user:a-long-enough-password').toString('base64')}`;
  const headers = { origin: APP, 'sec-fetch-site': 'cross-site', authorization };
  const response = await fetch(`${url}/devices`, { method: 'POST', headers });
  assert.equal(response.status, 403);
});
