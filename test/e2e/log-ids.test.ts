import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPicture } from '../support/distinct-picture.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const FRIEND = '6281234567890';
let stack: Stack;
let image: Buffer;

before(async () => {
  stack = await startStack({ workerEnv: { SEND_BACKOFF_MS: '20' } });
  await stack.pair('shop', '6280000000001');
  stack.simulator.addPhone({ number: FRIEND });
  image = await createPicture();
});
after(() => stack.stop());

/** The first line of the message that both say about the request, with these ids. */
async function assertLogged(worker: string, requestId: string, results: Record<string, unknown>): Promise<void> {
  const ids = { request_id: requestId, message_id: results['message_id'], device_id: 'shop' };
  for (const [app, message] of [
    ['gateway', 'answered'],
    ['worker', worker],
  ] as const) {
    const line = await waitUntil(`the ${app} logs '${message}' of ${requestId}`, () =>
      stack[app].logged(message).find((each) => each['request_id'] === requestId),
    );
    const { request_id, message_id, device_id } = line;
    assert.deepEqual({ request_id, message_id, device_id }, ids);
  }
}

test('the caller’s request id, the message’s and the device’s are in the lines of gateway and worker', async () => {
  const answer = await sendImage(stack.url, 'shop', { phone: FRIEND, image }, { 'X-Request-Id': 'order-4711' });
  assert.equal(answer.headers.get('x-request-id'), 'order-4711');
  await assertLogged('message sent', 'order-4711', answer.results);
});

test('a request without an id gets one, which the worker logs too', async () => {
  const answer = await sendImage(stack.url, 'shop', { phone: FRIEND, image });
  await assertLogged('message sent', answer.headers.get('x-request-id') ?? '', answer.results);
});

test('failed attempts and failed messages carry the same ids', async () => {
  stack.simulator.faults.add({ kind: 'nack', error: 503, to: FRIEND });
  const retried = await sendImage(stack.url, 'shop', { phone: FRIEND, image }, { 'X-Request-Id': 'retried' });
  assert.equal(retried.status, 200);
  await assertLogged('attempt failed', 'retried', retried.results);
  const failed = await sendImage(stack.url, 'shop', { phone: '6289999999999', image }, { 'X-Request-Id': 'nobody' });
  assert.equal(failed.code, 'INVALID_JID');
  await assertLogged('message failed', 'nobody', failed.results);
});
