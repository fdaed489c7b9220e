import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { request } from '../support/api.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { assertNothingLeft, assertSent, untilState } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { recordStanzas } from '../support/stanzas.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Every bound by which a socket or a message is judged; a relay has two of the first. */
const BOUND_MS = 1_500;
const GRACE_MS = 2_000;
const AWAY_MS = 6_000;
const CHATS = 12;
let stack: Stack;
let numbers: string[];

before(async () => {
  stack = await startStack({
    gatewayEnv: { DEVICE_GRACE_MS: String(GRACE_MS) },
    workerEnv: {
      DEVICE_GRACE_MS: String(GRACE_MS),
      QUERY_TIMEOUT_MS: String(BOUND_MS),
      CONNECT_TIMEOUT_MS: String(BOUND_MS),
      SEND_BUDGET_MS: '4000',
      SEND_ATTEMPTS: '2',
      LEASE_TTL_MS: '2000',
    },
  });
  await stack.pair('shop', '6280000000001');
  numbers = Array.from({ length: CHATS }, (_, n) => String(6_281_234_567_000 + n));
  for (const number of numbers) stack.simulator.addPhone({ number });
});
after(() => stack.stop());

const sendToAll = (headers: Record<string, string> = {}) =>
  Promise.all(
    numbers.map(async (phone, n) => sendImage(stack.url, 'shop', { phone, image: await createPicture(n) }, headers)),
  );

/** Lets Redis stand still from the next stanza on, and go on again; resolves then. */
async function stopRedisAtNextStanza(): Promise<void> {
  const { pid } = stack.redisServer;
  const stoppedAt = await new Promise<number>((resolve) => {
    const off = stack.simulator.onMessage(() => {
      off();
      process.kill(pid, 'SIGSTOP');
      resolve(performance.now());
    });
  });
  await waitUntil('every bound is over', () => performance.now() - stoppedAt > AWAY_MS);
  process.kill(pid, 'SIGCONT');
}

test('relays in progress when Redis goes away for longer than every bound: no socket is dropped, no message fails', async () => {
  for (const answer of await sendToAll()) assertSent(answer);
  const stanzas = recordStanzas(stack.simulator);
  const { logins } = stack.simulator.stats();
  await request(stack.url, 'POST', '/lanes/shop/pause');
  const accepted = await sendToAll({ Prefer: 'respond-async, wait=0' });
  const ids = accepted.map(({ results }) => String(results['message_id']));
  const isOver = stopRedisAtNextStanza();
  await request(stack.url, 'POST', '/lanes/shop/resume');
  await isOver;
  for (const id of ids) await untilState(stack.url, id, 'delivered');
  assert.equal(stack.simulator.stats().logins, logins);
  for (const id of ids) assert.equal(stanzas.of(id).length, 1);
  await assertNothingLeft(stack, 'shop');
});

test('Redis is killed for longer than the grace of a device: from its return on nothing is refused for the device', async () => {
  const { logins } = stack.simulator.stats();
  process.kill(stack.redisServer.pid, 'SIGKILL');
  const killedAt = performance.now();
  await waitUntil('the grace is over', () => performance.now() - killedAt > 2 * GRACE_MS);
  // Its owner is slow to come back.
  stack.worker.kill('SIGSTOP');
  await stack.restartRedis();
  const image = await createPicture(99);
  const phone = numbers[0] ?? '';
  const answer = await waitUntil('the gateway has found back to Redis', async () => {
    const tried = await sendImage(stack.url, 'shop', { phone, image }, { Prefer: 'respond-async, wait=0' });
    return tried.status !== 503 && tried;
  });
  stack.worker.kill('SIGCONT');
  assert.equal(answer.status, 202, answer.message);
  await untilState(stack.url, answer.results['message_id'], 'delivered');
  assert.equal(stack.simulator.stats().logins, logins);
});
