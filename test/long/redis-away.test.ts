import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { delay } from '@postern/runtime';
import { createPicture } from '../support/distinct-picture.ts';
import { registerLinkedDevices } from '../support/linked-devices.ts';
import { assertNothingLeft, readMessage, untilState } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const AWAY_MS = 130_000;
const PER_SECOND = 12;
const DEVICES = Array.from({ length: 6 }, (_, n) => `shop-${n}`);
const CHATS = 24;
let stack: Stack;

before(async () => {
  stack = await startStack();
  await registerLinkedDevices(stack, DEVICES);
  for (let n = 0; n < CHATS; n += 1) stack.simulator.addPhone({ number: String(6_281_234_567_000 + n) });
  await waitUntil('all are connected', () => stack.simulator.stats().logins === DEVICES.length);
});
after(() => stack.stop());

test('Redis away for 130 s under 12 messages a second: 0 failed, every socket still open when it is back', async () => {
  const accepted: { id: string; deviceId: string }[] = [];
  const refused = new Map<string, number>();
  const stopping = new AbortController();
  const post = async (n: number) => {
    const deviceId = DEVICES[n % DEVICES.length] ?? '';
    const phone = String(6_281_234_567_000 + (n % CHATS));
    const headers = { Prefer: 'respond-async, wait=0' };
    const answer = await sendImage(stack.url, deviceId, { phone, image: await createPicture(n) }, headers);
    if (answer.status === 202) accepted.push({ id: String(answer.results['message_id']), deviceId });
    else refused.set(answer.code, (refused.get(answer.code) ?? 0) + 1);
  };
  const posts: Promise<void>[] = [];
  const sending = (async () => {
    for (let n = 0; !stopping.signal.aborted; n += 1) {
      posts.push(post(n));
      await delay(1000 / PER_SECOND);
    }
  })();
  await waitUntil('messages flow', () => accepted.length > 10 * PER_SECOND, 60_000);
  const { logins } = stack.simulator.stats();
  process.kill(stack.redisServer.pid, 'SIGKILL');
  await delay(AWAY_MS);
  await stack.restartRedis();
  const acceptedBefore = accepted.length;
  await waitUntil('messages flow again', () => accepted.length > acceptedBefore + 10 * PER_SECOND, 60_000);
  stopping.abort();
  await sending;
  await Promise.all(posts);

  assert.deepEqual(
    [...refused.keys()].filter((code) => !/^(QUEUE_UNAVAILABLE|ACCEPTANCE_UNKNOWN)$/.test(code)),
    [],
  );
  let lost = 0;
  for (const { id } of accepted) {
    // What Redis had not written to its disk when it was killed is lost.
    if ((await readMessage(stack.url, id)).status === 404) lost += 1;
    else await untilState(stack.url, id, 'delivered');
  }
  assert.ok(lost <= 2 * PER_SECOND, `${lost} lost`);
  assert.equal(stack.simulator.stats().logins, logins);
  for (const deviceId of DEVICES) await assertNothingLeft(stack, deviceId);
});
