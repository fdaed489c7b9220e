import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SocketEvent } from '@postern/simulator';
import { createPicture } from '../support/distinct-picture.ts';
import { assertSent } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const LEASE_TTL_MS = 5_000;
let stack: Stack;
const sockets: SocketEvent[] = [];

before(async () => {
  stack = await startStack({ workerEnv: { LEASE_TTL_MS: String(LEASE_TTL_MS) } });
  await stack.pair('shop', '6280000000001');
  stack.simulator.addPhone({ number: '6281234567890' });
  stack.simulator.onSocket((event) => sockets.push(event));
});
after(() => stack.stop());

const passed = (ms: number) => {
  const from = performance.now();
  return waitUntil(`${ms} ms have passed`, () => performance.now() - from > ms);
};

test('a worker that starts as Redis comes back leaves alone what another one still has connected', async () => {
  process.kill(stack.redisServer.pid, 'SIGKILL');
  const starting = stack.startWorker();
  await passed(LEASE_TTL_MS + 500);
  // Its owner is slow to notice that Redis is back; its lease ran out meanwhile.
  stack.worker.kill('SIGSTOP');
  await stack.restartRedis();
  await starting;
  await passed(1_500);
  stack.worker.kill('SIGCONT');
  const image = await createPicture(1);
  assertSent(await sendImage(stack.url, 'shop', { phone: '6281234567890', image }));
  assert.deepEqual(sockets, []);
  assert.equal(stack.worker.logged('lease lost').length, 0);
});

test('a worker that starts as Redis comes back takes at once what was let go', async () => {
  const stopping = stack.worker;
  stopping.kill('SIGTERM');
  await stopping.exited;
  const opened = await waitUntil('the other one has connected it', () => sockets.find(({ type }) => type === 'opened'));
  assert.ok(opened);
});
