import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';

const SECRET = 'secret-of-the-shop';
const OTHER = 'secret-of-the-admin';

let tested: GatewayUnderTest;
before(async () => {
  tested = await startGatewayUnderTest({ API_KEYS: `admin:${OTHER},shop:${SECRET}:shop` });
  await tested.addDevice('shop');
  await tested.addDevice('office');
});
after(() => tested.stop());

const post = (key: string, url = tested.url) =>
  fetch(`${url}/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key }),
  });
/** The cookie of a new session. */
async function begin(key = SECRET): Promise<string> {
  return String((await post(key)).headers.get('set-cookie')).split(';')[0] ?? '';
}
const statusOf = async (cookie: string, url = tested.url, path = '/devices') =>
  (await fetch(`${url}${path}`, { headers: { cookie } })).status;

test('a session has the rights of its key, at every gateway', async () => {
  const peer = await tested.startPeer();
  const cookie = await begin();
  for (const url of [tested.url, peer]) {
    assert.equal(await statusOf(cookie, url, '/devices/shop'), 200);
    assert.equal(await statusOf(cookie, url, '/devices/office'), 403);
  }
});

test('a session that is ended at one gateway is over at all of them, and no other one is', async () => {
  const peer = await tested.startPeer();
  const [cookie, another] = [await begin(), await begin()];
  const ended = await fetch(`${peer}/session`, { method: 'DELETE', headers: { cookie } });
  assert.match(String(ended.headers.get('set-cookie')), /=; .*Max-Age=0/);
  for (const url of [tested.url, peer]) {
    assert.equal(await statusOf(cookie, url), 401);
    assert.equal(await statusOf(another, url), 200);
  }
});

test('a session is over where its key has another secret, another name, or is gone', async () => {
  const cookie = await begin();
  for (const keys of [`shop:another-${SECRET}:shop`, `renamed:${SECRET}:shop`, `admin:${OTHER}`]) {
    assert.equal(await statusOf(cookie, await tested.startPeer({ API_KEYS: keys })), 401, keys);
  }
  assert.equal(await statusOf(cookie, await tested.startPeer({ API_KEYS: `shop:${SECRET}:shop,more:${OTHER}` })), 200);
});

test('neither the cookie nor Redis holds a secret, and Redis not the cookie', async () => {
  const cookie = await begin();
  const [, token = ''] = cookie.split('=');
  const keys = await tested.redis.keys('test:session:*');
  const stored = [...keys, ...(await Promise.all(keys.map((key) => tested.redis.get(key))))].join(' ');
  assert.ok(keys.length > 0 && token.length > 40);
  for (const secret of [SECRET, token]) assert.ok(!stored.includes(secret));
  assert.ok(!cookie.includes(SECRET));
});

test('who tries one wrong key after the other is not answered any more, and a key in use goes on working', async () => {
  const url = await tested.startPeer();
  const ask = (key: string) => fetch(`${url}/devices`, { headers: { 'x-api-key': key } });
  assert.equal((await ask(SECRET)).status, 200);
  const statuses: number[] = [];
  for (let n = 0; n < 40; n += 1)
    statuses.push((await (n % 2 === 0 ? ask(`guess-${n}`) : post(`guess-${n}`, url))).status);
  assert.equal(statuses[0], 401);
  assert.equal(statuses.at(-1), 429);
  const refused = await ask(OTHER);
  assert.equal(refused.status, 429, 'a right guess is no better than a wrong one');
  assert.ok(Number(refused.headers.get('retry-after')) >= 1);
  assert.equal((await ask(SECRET)).status, 200);
  assert.equal((await fetch(`${url}/devices`)).status, 401, 'nothing was guessed');
});

test('no answer of the API may be kept on the way', async () => {
  for (const path of ['/devices', '/healthz', '/nowhere']) {
    const answer = await fetch(`${tested.url}${path}`, { headers: { 'x-api-key': OTHER } });
    assert.equal(answer.headers.get('cache-control'), 'no-store', path);
  }
});

test('two keys of one name are refused at the start', async () => {
  await assert.rejects(tested.startPeer({ API_KEYS: `a:${SECRET}:shop,a:${OTHER}` }), /have the same name/);
});
