import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { sendForm } from '../testing/send-form.ts';

/** Longer than Redis is waited for: for one command, and for a few in a row. */
const LATE_MS = 750;
let tested: GatewayUnderTest;
before(async () => {
  tested = await startGatewayUnderTest();
  await tested.addDevice('phone');
});
after(() => tested.stop());

/** Keeps our event loop, and so the gateway's, from turning more than once in that time until this is settled. */
async function whileBusy<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  const beBusy = () => {
    const startedMs = performance.now();
    while (performance.now() - startedMs < LATE_MS);
    if (!isDone) setImmediate(beBusy);
  };
  setImmediate(beBusy);
  return done;
}

test('a gateway whose own event loop is late does not call Redis silent', async () => {
  const sent = await whileBusy(sendForm(tested.url, {}, { prefer: 'respond-async' }));
  assert.deepEqual([sent.status, sent.body.code], [202, 'ACCEPTED']);
});
