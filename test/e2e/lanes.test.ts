import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKeys } from '@postern/registry';
import { delay } from '@postern/runtime';
import type { Phone } from '@postern/simulator';
import { request } from '../support/api.ts';
import { createPicture, sha256 } from '../support/distinct-picture.ts';
import { assertNothingLeft, readMessage, untilState } from '../support/message-status.ts';
import { scrape, total } from '../support/scrape.ts';
import { type Answer, sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
const { lanePaused } = createKeys('postern').device(DEVICE);
let stack: Stack;
let other: string;
let friend: Phone;

before(async () => {
  stack = await startStack({
    // Only the acks shall end a message.
    simulator: { autoReceipts: 'none' },
    workerEnv: { LEASE_TTL_MS: '2000' },
  });
  await stack.pair(DEVICE, '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  other = `http://127.0.0.1:${String((await stack.startGateway()).ready['port'])}`;
});
after(() => stack.stop());

const send = (image: Buffer, headers: Record<string, string> = { Prefer: 'respond-async' }) =>
  sendImage(stack.url, DEVICE, { phone: friend.number, image }, headers);
const idOf = ({ results }: Answer) => String(results['message_id']);
const command = async (name: string) => {
  const answer = await request(other, 'POST', `/lanes/${DEVICE}/${name}`);
  assert.equal(answer.status, 200, answer.message);
  return answer.results;
};
const depth = async () => {
  const { results } = await request(stack.url, 'GET', '/lanes');
  const [lane] = results as unknown as { depth: { waiting: number; active: number } }[];
  return lane?.depth;
};

test('while a lane is paused what is in hand finishes and the rest waits, also with another worker', async () => {
  const held = stack.simulator.faults.add({ kind: 'delay_ack', delayMs: 1_500, to: friend.number });
  const inHand = idOf(await send(await createPicture(1)));
  await untilState(stack.url, inHand, 'sending');
  assert.equal((await command('pause'))['paused'], true);
  const waiting = idOf(await send(await createPicture(2)));
  await untilState(stack.url, inHand, 'sent');
  assert.deepEqual(await depth(), { waiting: 1, active: 0 });
  stack.simulator.faults.remove(held);

  const metrics = await waitUntil('it counts as paused', async () => {
    const found = await scrape(stack.gateway);
    return total(found, 'postern_backlog_lanes', { condition: 'paused' }) === 1 && found;
  });
  assert.equal(total(metrics, 'postern_backlog_lanes', { condition: 'working' }), 0);

  // The device moves, and the new owner looks for lanes with messages every two seconds.
  await stack.worker.stop();
  const next = await stack.startWorker();
  await waitUntil('the device has moved', () => next.logged('lease acquired').length > 0);
  await delay(3_000);
  assert.equal((await readMessage(stack.url, waiting)).results['state'], 'queued');
  assert.equal((await command('resume'))['paused'], false);
  await untilState(stack.url, waiting, 'sent');
  await assertNothingLeft(stack, DEVICE);
});

test('a pause and its end take effect although nobody tells the owner', async () => {
  await untilState(stack.url, idOf(await send(await createPicture(3))), 'sent');
  await stack.redis.set(lanePaused, String(Date.now()));
  // The lane is open; it looks every two seconds.
  await delay(2_500);
  const waiting = idOf(await send(await createPicture(4)));
  await delay(500);
  assert.equal((await readMessage(stack.url, waiting)).results['state'], 'queued');
  await stack.redis.del(lanePaused);
  await untilState(stack.url, waiting, 'sent');
});

test('a purge cancels what waits at every gateway and leaves nothing; what was in hand arrives', async () => {
  const held = stack.simulator.faults.add({ kind: 'delay_ack', delayMs: 1_500, to: friend.number });
  const inHand = idOf(await send(await createPicture(5)));
  await untilState(stack.url, inHand, 'sending');
  await command('pause');
  const picture = await createPicture(6);
  const waiting = send(picture, { Prefer: 'wait=20' });
  await waitUntil('it waits', async () => (await depth())?.waiting === 1);
  assert.deepEqual(await command('purge'), { device_id: DEVICE, cancelled: 1 });
  const answer = await waiting;
  assert.deepEqual([answer.status, answer.code], [409, 'CANCELLED']);
  await untilState(stack.url, inHand, 'sent');
  stack.simulator.faults.remove(held);
  await command('resume');
  await assertNothingLeft(stack, DEVICE);
  assert.equal(friend.received.filter((message) => message.sha256 === sha256(picture)).length, 0);
});

test('a device that is deleted while its lane is paused fails what waits, and leaves no flag', async () => {
  await command('pause');
  const waiting = idOf(await send(await createPicture(7)));
  assert.equal((await request(stack.url, 'DELETE', `/devices/${DEVICE}`)).status, 200);
  const { error } = await untilState(stack.url, waiting, 'failed');
  assert.equal((error as { code: string }).code, 'DEVICE_DELETED');
  assert.equal(await stack.redis.exists(lanePaused), 0);
  assert.equal((await request(stack.url, 'POST', `/lanes/${DEVICE}/resume`)).code, 'DEVICE_NOT_FOUND');
});

test('logging out fails what waits, although the lane is paused', async () => {
  await stack.pair('depot', '6280000000002');
  assert.equal((await request(stack.url, 'POST', '/lanes/depot/pause')).status, 200);
  const image = await createPicture(8);
  const waiting = idOf(
    await sendImage(stack.url, 'depot', { phone: friend.number, image }, { Prefer: 'respond-async' }),
  );
  assert.equal((await request(stack.url, 'POST', '/devices/depot/logout')).status, 200);
  const { error } = await untilState(stack.url, waiting, 'failed');
  assert.equal((error as { code: string }).code, 'DEVICE_NOT_CONNECTED');
  await assertNothingLeft(stack, 'depot');
});
