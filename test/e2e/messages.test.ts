import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { request } from '../support/api.ts';
import { createPicture, sha256 } from '../support/distinct-picture.ts';
import { assertNothingLeft, assertSent, untilState } from '../support/message-status.ts';
import { type Answer, sendImage, toAnswer } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
const KEPT_MS = 5_000;
let stack: Stack;
let other: string;
let friend: Phone;

before(async () => {
  stack = await startStack({
    gatewayEnv: { BLOB_GRACE_MS: '1000' },
    workerEnv: { FAILED_BLOB_TTL_MS: String(KEPT_MS), SEND_ATTEMPTS: '1' },
  });
  await stack.pair(DEVICE, '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  other = `http://127.0.0.1:${String((await stack.startGateway()).ready['port'])}`;
});
afterEach(() => stack.simulator.faults.clear());
after(() => stack.stop());

const send = (image: Buffer, headers: Record<string, string> = {}, url = stack.url) =>
  sendImage(url, DEVICE, { phone: friend.number, image, caption: 'as it was' }, headers);
const idOf = ({ results }: Answer) => String(results['message_id']);
const arrived = (image: Buffer) => friend.received.filter((message) => message.sha256 === sha256(image));

test('a failed message is sent again as a new one while it is kept, and then swept', async () => {
  const image = await createPicture(1);
  stack.simulator.faults.add({ kind: 'nack', error: 479, to: friend.number });
  const failed = await send(image);
  assert.deepEqual([failed.status, failed.code], [500, 'SEND_FAILED']);
  stack.simulator.faults.clear();
  const again = await request(other, 'POST', `/messages/${idOf(failed)}/retry`);
  assertSent(again);
  const shown = await waitUntil('it arrives', () => arrived(image)[0]);
  assert.deepEqual([shown.id, shown.caption], [idOf(again), 'as it was']);
  assert.equal((await untilState(stack.url, idOf(again), 'delivered'))['retry_of'], idOf(failed));
  const list = await request(other, 'GET', `/messages?device_id=${DEVICE}&state=failed`);
  assert.deepEqual(
    (list.results['messages'] as { message_id: string }[]).map(({ message_id }) => message_id),
    [idOf(failed)],
  );
  const kept = `postern:{${DEVICE}}:failed:${idOf(failed)}`;
  await waitUntil('it is kept no more', async () => (await stack.redis.exists(kept)) === 0);
  assert.equal((await request(other, 'POST', `/messages/${idOf(failed)}/retry`)).code, 'NOT_FOUND');
  await assertNothingLeft(stack, DEVICE);
});

test('a message cancelled while no worker runs answers who waits at another gateway, and is never sent', async () => {
  const [image, next] = [await createPicture(2), await createPicture(3)];
  await stack.worker.stop();
  const waiting = send(image, { 'Idempotency-Key': 'cancelled' }, other);
  const queued = await waitUntil('it is queued', async () => {
    const { results } = await request(stack.url, 'GET', '/messages?state=queued');
    return (results['messages'] as { message_id: string }[])[0];
  });
  const path = `${stack.url}/messages/${queued.message_id}`;
  const cancelled = await toAnswer(await fetch(path, { method: 'DELETE' }));
  assert.deepEqual([cancelled.status, cancelled.results['state']], [200, 'cancelled']);
  const answer = await waiting;
  assert.deepEqual([answer.status, answer.code, idOf(answer)], [409, 'CANCELLED', queued.message_id]);
  await assertNothingLeft(stack, DEVICE);
  await stack.startWorker();
  assertSent(await send(next));
  assert.equal(arrived(image).length, 0);
  const replayed = await send(image, { 'Idempotency-Key': 'cancelled' });
  assert.deepEqual([replayed.status, replayed.code, idOf(replayed)], [409, 'CANCELLED', queued.message_id]);
});

test('a pace set through the API holds messages back, and its removal lets them go', async () => {
  const change = async (pace: unknown) => {
    const body = JSON.stringify({ pace });
    const init = { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body };
    return toAnswer(await fetch(`${stack.url}/devices/${DEVICE}`, init));
  };
  const pace = { max: 1, window_ms: 8_000 };
  assert.deepEqual((await change(pace)).results['pace'], pace);
  const devices = await request(other, 'GET', `/devices/${DEVICE}`);
  assert.deepEqual(devices.results['pace'], pace);
  // The worker remembers a device's pace for 5 seconds.
  await waitUntil('a message is held back', async () => {
    const image = await createPicture(Math.floor(performance.now()));
    return (await send(image, { Prefer: 'wait=2' })).status === 202;
  });
  assert.equal((await change(null)).results['pace'], undefined);
  await assertNothingLeft(stack, DEVICE);
});
