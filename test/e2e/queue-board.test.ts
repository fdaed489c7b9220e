import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Lifetime } from '@postern/runtime';
import { type GatewayUnderTest, startGatewayUnderTest } from '../../apps/gateway/src/testing/gateway-under-test.ts';
import { openPage } from '../support/browser.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { photograph } from '../support/photograph.ts';
import { sendImage, sendImageJson } from '../support/send-image.ts';

const lifetime = new Lifetime();
const CAPTION = 'nobody else may read this';
const PHONE = '6281234567890';
const PATH = 'secret-path-of-the-picture';
let tested: GatewayUnderTest;
let messageId: string;

before(async () => {
  const keys =
    'admin:key-secret-for-tests,shop:shopkey-secret-for-tests:shop:read,sender:sendkey-secret-for-tests:*:send';
  const starting = startGatewayUnderTest({ API_KEYS: keys, BASIC_AUTH: 'ann:pass-secret-for-tests' });
  tested = lifetime.use(await starting, (started) => started.stop());
  await tested.addDevice('shop');
  await tested.addDevice('a.b@c-2');
  const headers = { 'X-Api-Key': 'key-secret-for-tests', Prefer: 'respond-async' };
  const image = await createPicture();
  const sent = await sendImage(tested.url, 'shop', { phone: PHONE, image, caption: CAPTION, mentions: PHONE }, headers);
  messageId = String(sent.results['message_id']);
  const byUrl = { phone: PHONE, image_url: `https://pictures.example/${PATH}?token=1` };
  assert.equal((await sendImageJson(tested.url, 'a.b@c-2', byUrl, headers)).status, 202);
});
after(() => lifetime.stop());

const get = (path: string, key?: string) =>
  fetch(tested.url + path, { headers: key === undefined ? {} : { 'X-Api-Key': `${key}-secret-for-tests` } });

const lanesFor = async (key: string) => {
  const answer = await get('/queues/api/queues', key);
  assert.equal(answer.status, 200);
  const { queues } = (await answer.json()) as { queues: { name: string; counts: { waiting: number } }[] };
  return queues.map(({ name, counts }) => [name, counts.waiting]);
};

test('the board is for keys that may read, and shows the lanes of their devices only', async () => {
  for (const path of ['/queues', '/queues/queue/shop', '/queues/api/queues', '/queues/static/images/logo.svg']) {
    assert.equal((await get(path)).status, 401, path);
    assert.equal((await get(path, 'sendkey')).status, 403, path);
    assert.equal((await get(path, 'shopkey')).status, 200, path);
  }
  assert.deepEqual(await lanesFor('key'), [
    ['a.b@c-2', 1],
    ['shop', 1],
  ]);
  assert.deepEqual(await lanesFor('shopkey'), [['shop', 1]]);
  const job = (deviceId: string, key: string) => get(`/queues/api/queues/${deviceId}/${messageId}`, key);
  assert.equal((await job('shop', 'shopkey')).status, 200);
  assert.equal((await job('a.b@c-2', 'shopkey')).status, 404);
  assert.equal((await job('nobody', 'key')).status, 404);
});

test('nothing of it writes, and nothing tells of Redis itself', async () => {
  const shop = '/queues/api/queues/shop';
  for (const [method, path] of [
    ['PUT', `${shop}/pause`],
    ['PUT', `${shop}/obliterate`],
    ['POST', `${shop}/add`],
    ['PUT', `${shop}/${messageId}/clean`],
    ['PATCH', `${shop}/${messageId}/update-data`],
  ] as const) {
    const answer = await fetch(tested.url + path, { method, headers: { 'X-Api-Key': 'key-secret-for-tests' } });
    assert.equal(answer.status, 405, path);
  }
  assert.equal((await get('/queues/api/redis/stats', 'key')).status, 404);
  assert.equal((await get('/queues/static/../../package.json', 'key')).status, 404);
  assert.equal((await get('/queues/static/%2e%2e%2f%2e%2e%2fpackage.json', 'key')).status, 403);
  assert.equal(await tested.laneSize('shop'), 1);
});

test('captions, whole numbers and the paths of URLs are in none of its answers', async () => {
  const answers = await Promise.all(
    ['shop', 'a.b@c-2'].map(async (name) => (await get(`/queues/api/queues?activeQueue=${name}`, 'key')).text()),
  );
  answers.push(await (await get(`/queues/api/queues/shop/${messageId}`, 'key')).text());
  const text = answers.join('\n');
  for (const secret of [CAPTION, PHONE, PATH]) assert.ok(!text.includes(secret), secret);
  for (const shown of [messageId, '…7890@s.whatsapp.net', '(25 characters)', 'pictures.example']) {
    assert.ok(text.includes(shown), shown);
  }
});

test('lanes come and go with their devices, and looking at one does not bring it back', async () => {
  await tested.addDevice('short-lived');
  assert.equal((await lanesFor('key')).length, 3);
  await tested.redis.srem(tested.keys.devices, 'short-lived');
  await tested.redis.del(`${tested.keys.device('short-lived').lanePrefix}:lane:meta`);
  assert.equal((await lanesFor('key')).length, 2);
  assert.equal(await tested.redis.exists(`${tested.keys.device('short-lived').lanePrefix}:lane:meta`), 0);
});

test('the events of a lane that was looked at stay capped', async () => {
  await lanesFor('key');
  const meta = `${tested.keys.device('shop').lanePrefix}:lane:meta`;
  assert.equal(await tested.redis.hget(meta, 'opts.maxLenEvents'), '0');
});

test('in a browser, lanes and a job are shown, without a complaint', async () => {
  const httpCredentials = { username: 'ann', password: 'pass-secret-for-tests' };
  const { page, complaints } = await openPage(lifetime, `${tested.url}/queues`, { httpCredentials });
  await page.getByText('a.b@c-2').first().waitFor();
  await photograph(page, 'queues-1-lanes');
  await page.goto(`${tested.url}/queues/queue/shop`);
  await page.getByText(messageId).first().waitFor();
  await photograph(page, 'queues-2-lane');
  await page.goto(`${tested.url}/queues/queue/shop/${messageId}`);
  await page.getByText('(25 characters)').first().waitFor();
  await photograph(page, 'queues-3-job');
  await page.locator('header button').nth(-2).click();
  await page.getByRole('dialog').waitFor();
  await photograph(page, 'queues-4-settings');
  const shown = await page.content();
  for (const secret of [CAPTION, PHONE]) assert.ok(!shown.includes(secret), secret);
  assert.deepEqual(complaints, []);
});
