import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SocketEvent } from '@postern/simulator';
import { createPicture } from '../support/distinct-picture.ts';
import { assertSent } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const LEASE_TTL_MS = 4_000;
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

test('after Redis has refused writes for longer than a lease, a live device stays with its holder, however slow that is', async () => {
  const other = await stack.startWorker();
  await waitUntil('the other one has joined', async () => (await stack.redis.zcard('postern:workers')) === 2);
  await stack.redis.config('SET', 'min-replicas-to-write', '1');
  await passed(LEASE_TTL_MS + 1_000);
  assert.ok(other.logged('keeping leases failed').length > 0);
  // The holder is slow to renew what ran out, and the other one has room for it.
  stack.worker.kill('SIGSTOP');
  await stack.redis.config('SET', 'min-replicas-to-write', '0');
  await passed(LEASE_TTL_MS / 2);
  stack.worker.kill('SIGCONT');
  await waitUntil('it is renewed', async () => (await stack.redis.get('postern:{shop}:lease')) !== null);
  const image = await createPicture(1);
  assertSent(await sendImage(stack.url, 'shop', { phone: '6281234567890', image }));
  assert.deepEqual(sockets, []);
  assert.equal(stack.worker.logged('lease lost').length, 0);
});
