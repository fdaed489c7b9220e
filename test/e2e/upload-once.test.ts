import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPicture, sha256 } from '../support/distinct-picture.ts';
import { assertNothingLeft, assertSent } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { readMetric } from '../support/usage.ts';

const DEVICE = 'shop';
let stack: Stack;

before(async () => {
  stack = await startStack({ workerEnv: { SEND_ATTEMPTS: '1' } });
  await stack.pair(DEVICE, '6280000000001');
});
after(() => stack.stop());

const addPhones = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => stack.simulator.addPhone({ number: String(first + index) }));
const uploads = () => stack.simulator.stats().media.uploads;

test('one picture to twenty people is uploaded once, and all of them get it whole', async () => {
  const image = await createPicture(1);
  const sends = addPhones(6281000000000, 20).map(async (phone) => {
    const messageId = assertSent(await sendImage(stack.url, DEVICE, { phone: phone.number, image, caption: 'hello' }));
    const received = await phone.waitFor(({ id }) => id === messageId);
    assert.deepEqual([received.error, received.sha256, received.caption], [undefined, sha256(image), 'hello']);
  });
  await Promise.all(sends);
  assert.equal(uploads(), 1);
  assert.equal(await readMetric(stack.worker, 'postern_uploads_total{source="fresh"}'), 1);
  assert.equal(await readMetric(stack.worker, 'postern_uploads_total{source="reused"}'), 19);
  await assertNothingLeft(stack, DEVICE);
});

test('a view-once picture is uploaded for each message', async () => {
  const image = await createPicture(2);
  const earlier = uploads();
  for (const phone of addPhones(6282000000000, 3)) {
    const fields = { phone: phone.number, image, view_once: 'true' };
    const messageId = assertSent(await sendImage(stack.url, DEVICE, fields));
    const received = await phone.waitFor(({ id }) => id === messageId);
    assert.deepEqual([received.error, received.sha256, received.viewOnce], [undefined, sha256(image), true]);
  }
  assert.equal(uploads() - earlier, 3);
});

test('an upload that was refused is tried anew by the next message', async () => {
  const image = await createPicture(3);
  const [phone] = addPhones(6283000000000, 1);
  assert.ok(phone);
  const fields = { phone: phone.number, image };
  const fault = stack.simulator.faults.add({ kind: 'upload_refuse', status: 500, count: null });
  assert.equal((await sendImage(stack.url, DEVICE, fields)).code, 'UPLOAD_MEDIA_ERROR');
  stack.simulator.faults.remove(fault);
  const messageId = assertSent(await sendImage(stack.url, DEVICE, fields));
  const received = await phone.waitFor(({ id }) => id === messageId);
  assert.deepEqual([received.error, received.sha256], [undefined, sha256(image)]);
});
