import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { createPicture } from '../support/distinct-picture.ts';
import { assertNothingLeft, untilState } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { sendVolume } from '../support/send-volume.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { recordStanzas, type Stanzas } from '../support/stanzas.ts';

const DEVICE = 'shop';
let stack: Stack;
let stanzas: Stanzas;

before(async () => {
  stack = await startStack();
  await stack.pair(DEVICE, '6280000000001');
  stanzas = recordStanzas(stack.simulator);
});
after(() => stack.stop());

test('a thousand pictures to fifty phones, 32 at once: all acknowledged, decrypted and equal, each by one stanza', async (t) => {
  const report = await sendVolume(stack, { deviceId: DEVICE, images: 1_000, phones: 50, concurrency: 32 });
  t.diagnostic(JSON.stringify(report));
  assert.equal(stanzas.all.length, 1_000);
  await assertNothingLeft(stack, DEVICE);
});

test('what is accepted at once for ten chats is relayed in the order of acceptance within each', async () => {
  const image = await createPicture();
  const accept = async (phone: Phone) => {
    const ids: string[] = [];
    for (let count = 0; count < 20; count += 1) {
      const answer = await sendImage(stack.url, DEVICE, { phone: phone.number, image }, { Prefer: 'respond-async' });
      ids.push(String(answer.results['message_id']));
    }
    return { phone, ids };
  };
  const phones = Array.from({ length: 10 }, (_, index) =>
    stack.simulator.addPhone({ number: String(6286000000000 + index) }),
  );
  for (const { phone, ids } of await Promise.all(phones.map(accept))) {
    for (const id of ids) await untilState(stack.url, id, 'delivered');
    assert.deepEqual(stanzas.order(phone.jid), ids);
    assert.equal(phone.received.length, ids.length);
  }
  await assertNothingLeft(stack, DEVICE);
});
