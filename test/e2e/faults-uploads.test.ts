import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Fault, Phone } from '@postern/simulator';
import { createPicture, sha256 } from '../support/distinct-picture.ts';
import { assertAcceptedFailure, assertNothingLeft, assertSent } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { recordStanzas, type Stanzas } from '../support/stanzas.ts';

const DEVICE = 'shop';
const UPLOAD_TIMEOUT_MS = 1_500;
const SEND_ATTEMPTS = 2;
let stack: Stack;
let stanzas: Stanzas;
let friend: Phone;
let seeds = 0;

before(async () => {
  stack = await startStack({
    workerEnv: {
      UPLOAD_TIMEOUT_MS: String(UPLOAD_TIMEOUT_MS),
      SEND_ATTEMPTS: String(SEND_ATTEMPTS),
      SEND_BACKOFF_MS: '50',
    },
  });
  await stack.pair(DEVICE, '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  stanzas = recordStanzas(stack.simulator);
});
after(() => stack.stop());
beforeEach(() => stack.simulator.faults.clear());

/** Every picture is another one: nothing that was uploaded before can be used again. */
async function send() {
  seeds += 1;
  const image = await createPicture(seeds);
  return { image, answer: await sendImage(stack.url, DEVICE, { phone: friend.number, image }) };
}

const FAULTS: [string, Fault][] = [
  ['refused', { kind: 'upload_refuse', status: 500 }],
  ['reset half-way', { kind: 'upload_reset' }],
  ['never answered', { kind: 'upload_hang' }],
  ['answered late', { kind: 'upload_slow', delayMs: UPLOAD_TIMEOUT_MS / 2 }],
];
for (const [what, fault] of FAULTS) {
  test(`an upload that is ${what} once: the picture arrives, by one stanza`, async () => {
    const id = stack.simulator.faults.add(fault);
    const { image, answer } = await send();
    const messageId = assertSent(answer);
    assert.equal(stack.simulator.faults.list().find((rule) => rule.id === id)?.hits, 1);
    const received = await friend.waitFor((message) => message.id === messageId);
    assert.deepEqual([received.error, received.sha256], [undefined, sha256(image)]);
    assert.equal(stanzas.of(messageId).length, 1);
    await assertNothingLeft(stack, DEVICE);
  });
}

for (const fault of ['upload_refuse', 'upload_reset', 'upload_hang', 'upload_slow'] as const) {
  test(`uploads that never succeed (${fault}) are UPLOAD_MEDIA_ERROR within their bounds, and nothing is sent`, async () => {
    stack.simulator.faults.add({ kind: fault, count: null, ...(fault === 'upload_slow' && { delayMs: 60_000 }) });
    const startedAt = Date.now();
    const { answer } = await send();
    assert.ok(Date.now() - startedAt < SEND_ATTEMPTS * (UPLOAD_TIMEOUT_MS + 500));
    const failed = await assertAcceptedFailure(stack, DEVICE, answer, { status: 500, code: 'UPLOAD_MEDIA_ERROR' });
    assert.equal(failed['attempts'], SEND_ATTEMPTS);
    assert.deepEqual(stanzas.of(String(answer.results['message_id'])), []);
    stack.simulator.faults.clear();
    assertSent((await send()).answer);
  });
}
