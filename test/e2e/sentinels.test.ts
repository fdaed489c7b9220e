import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LocalRedisSentinels, startLocalRedisSentinels } from '@postern/local-redis';
import type { Phone } from '@postern/simulator';
import { createPicture } from '../support/distinct-picture.ts';
import { untilState } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
const CLIENTS = 3;
const SENT_AFTERWARDS = 10;
let sentinels: LocalRedisSentinels;
let stack: Stack;
let friend: Phone;
let seeds = 0;

before(async () => {
  sentinels = await startLocalRedisSentinels({ password: 'p@ss:word', sentinelPassword: 'other&word' });
  stack = await startStack({ redisUrl: sentinels.url });
  await stack.pair(DEVICE, '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
});
after(async () => {
  await stack.stop();
  await sentinels.stop();
});

async function send() {
  seeds += 1;
  const image = await createPicture(seeds);
  return sendImage(stack.url, DEVICE, { phone: friend.number, image });
}

test('a master dies under load: its successor is found, nothing that was sent is missing, and no socket is lost', async () => {
  const { logins } = stack.simulator.stats();
  const sent: { id: string; afterwards: boolean }[] = [];
  const waiting: string[] = [];
  const over = new AbortController();
  let hasFailedOver = false;
  const run = async () => {
    while (!over.signal.aborted) {
      const afterwards = hasFailedOver;
      const { status, code, results } = await send();
      if (status === 200) sent.push({ id: String(results['message_id']), afterwards });
      else if (status === 202) waiting.push(String(results['message_id']));
      else assert.match(`${status} ${code}`, /^503 (QUEUE_UNAVAILABLE|ACCEPTANCE_UNKNOWN)$/);
    }
  };
  const running = Promise.all(Array.from({ length: CLIENTS }, run));
  await waitUntil('there is load', () => sent.length > 10);
  const master = await sentinels.master();
  process.kill(sentinels.servers[master]?.pid ?? 0, 'SIGKILL');
  await waitUntil('the sentinels have promoted the replica', async () => (await sentinels.master()) !== master, 30_000);
  hasFailedOver = true;
  const failedOverMs = performance.now();
  await waitUntil('messages are sent again', () => sent.some(({ afterwards }) => afterwards));
  assert.ok(performance.now() - failedOverMs < 10_000);
  // The old one comes back as a replica.
  await sentinels.restart(master);
  const sentBefore = sent.length;
  await waitUntil('they go on being sent', () => sent.length >= sentBefore + SENT_AFTERWARDS);
  over.abort();
  await running;
  for (const id of waiting) await untilState(stack.url, id, 'delivered');
  const receives = (id: string) => friend.received.some((message) => message.id === id);
  for (const { id } of sent) await waitUntil(`${id} is received`, () => receives(id));
  assert.equal(stack.simulator.stats().logins, logins);
});
