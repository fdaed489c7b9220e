import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertNothingLeft } from '../support/message-status.ts';
import { sendVolume } from '../support/send-volume.ts';
import { type Stack, startStack } from '../support/stack.ts';

const DEVICE = 'shop';
const IMAGES = 10_000;
const MAX_WORKER_MB = 600;
const MAX_GATEWAY_MB = 350;
let stack: Stack;

before(async () => {
  stack = await startStack();
  await stack.pair(DEVICE, '6280000000001');
});
after(() => stack.stop());

test('ten thousand pictures to five hundred phones: all arrive, and the processes stay small', async (t) => {
  const report = await sendVolume(stack, { deviceId: DEVICE, images: IMAGES, phones: 500, concurrency: 64 });
  t.diagnostic(JSON.stringify(report));
  assert.ok(report.worker.residentMb < MAX_WORKER_MB);
  assert.ok(report.gateway.residentMb < MAX_GATEWAY_MB);
  await assertNothingLeft(stack, DEVICE);
});
