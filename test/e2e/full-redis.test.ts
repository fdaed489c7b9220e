import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { createPicture } from '../support/distinct-picture.ts';
import { assertNothingLeft, untilState } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { recordStanzas, type Stanzas } from '../support/stanzas.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
let stack: Stack;
let stanzas: Stanzas;
let friend: Phone;
before(async () => {
  // A receipt would end the wait for an ack. Leases are shorter than the test: they are renewed meanwhile, or the device is lost.
  stack = await startStack({
    simulator: { autoReceipts: 'none' },
    workerEnv: { LEASE_TTL_MS: '2000', LANE_CONCURRENCY: '3' },
  });
  await stack.pair(DEVICE, '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  stanzas = recordStanzas(stack.simulator);
});
after(() => stack.stop());

async function send(phone: string) {
  const image = await createPicture(1);
  return await sendImage(stack.url, DEVICE, { phone, image }, { Prefer: 'respond-async' });
}

test('Redis reaches maxmemory: what is in progress and waits is sent, and nothing more is accepted', async () => {
  const strangers = Array.from({ length: 10 }, (_, index) => `62812345678${String(index).padStart(2, '0')}`);
  for (const number of strangers) stack.simulator.addPhone({ number });
  // Three are in progress when Redis is full; their acks come then.
  stack.simulator.faults.add({ kind: 'delay_ack', to: friend.number, delayMs: 3_000, count: 3 });
  const ids: string[] = [];
  for (const to of [friend.number, friend.number, friend.number, ...strangers, ...strangers]) {
    ids.push(String((await send(to)).results['message_id']));
  }
  await waitUntil('three are with WhatsApp', () => ids.slice(0, 3).every((id) => stanzas.of(id).length === 1));
  await stack.redis.config('SET', 'maxmemory', '1');
  await assert.rejects(stack.redis.set('anything', '1'), /OOM/);
  assert.equal((await send(friend.number)).code, 'QUEUE_UNAVAILABLE');
  for (const id of ids) await untilState(stack.url, id, 'sent');
  assert.deepEqual(
    ids.map((id) => stanzas.of(id).length),
    ids.map(() => 1),
  );
  await assertNothingLeft(stack, DEVICE);
  await stack.redis.config('SET', 'maxmemory', '0');
  await waitUntil('messages are accepted again', async () => (await send(friend.number)).status === 202);
});
