import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { request } from '../support/api.ts';
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
  // A receipt would end the wait for the ack.
  stack = await startStack({ simulator: { autoReceipts: 'none' } });
  await stack.pair(DEVICE, '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  stanzas = recordStanzas(stack.simulator);
});
after(() => stack.stop());

async function send(): Promise<string> {
  const image = await createPicture(1);
  const answer = await sendImage(stack.url, DEVICE, { phone: friend.number, image }, { Prefer: 'respond-async' });
  return String(answer.results['message_id']);
}
const lose = (id: string) => stack.redis.del(`postern:{${DEVICE}}:message:${id}`);
const rebuilt = () => stack.worker.logged('record rebuilt from its job: Redis had lost it').length;

test('a record that vanished while its message waited is rebuilt, and the message is sent', async () => {
  await request(stack.url, 'POST', `/lanes/${DEVICE}/pause`);
  const id = await send();
  assert.equal(await lose(id), 1);
  await request(stack.url, 'POST', `/lanes/${DEVICE}/resume`);
  await untilState(stack.url, id, 'sent');
  assert.deepEqual([stanzas.of(id).length, rebuilt()], [1, 1]);
  await assertNothingLeft(stack, DEVICE);
});

test('a record that vanished while its message was with WhatsApp is rebuilt with the ack', async () => {
  stack.simulator.faults.add({ kind: 'delay_ack', to: friend.number, delayMs: 1_000 });
  const id = await send();
  await waitUntil('it is with WhatsApp', () => stanzas.of(id).length === 1);
  assert.equal(await lose(id), 1);
  await untilState(stack.url, id, 'sent');
  assert.deepEqual([stanzas.of(id).length, rebuilt()], [1, 2]);
  await assertNothingLeft(stack, DEVICE);
});
