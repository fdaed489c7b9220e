import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPicture } from '../support/distinct-picture.ts';
import { assertSent } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Between pings, and what is added before silence means that the link is lost. */
const NOTICED_AFTER_MS = 25_000;
let stack: Stack;

before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

test('a link that goes silent while nothing is sent is noticed, and replaced before the next message needs it', async () => {
  const phone = await stack.pair('shop', '6280000000001');
  const friend = stack.simulator.addPhone({ number: '6281234567890' });
  const { logins } = stack.simulator.stats();
  stack.simulator.faults.add({ kind: 'freeze', device: phone.number });
  await waitUntil(
    'the device has logged in again',
    () => stack.simulator.stats().logins > logins,
    2 * NOTICED_AFTER_MS,
  );
  assertSent(await sendImage(stack.url, 'shop', { phone: friend.number, image: await createPicture() }));
  assert.equal(stack.simulator.stats().logins, logins + 1);
});
