import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKeys, readOwners } from '@postern/registry';
import type { SocketEvent } from '@postern/simulator';
import { findDoubleOwned } from '../chaos/find-double-owned.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const HAND_OVERS = 3;
const names = Array.from({ length: 4 }, (_, index) => `device-${index}`);
const keys = createKeys('postern');
let stack: Stack;

before(async () => {
  // A receipt would prove what no ack did.
  stack = await startStack({ simulator: { autoReceipts: 'none' } });
  for (const [index, name] of names.entries()) await stack.pair(name, `628000000000${index}`);
  stack.simulator.addPhone({ number: '6281234567890' });
});
after(() => stack.stop());

test('a device that is handed over is closed before it is opened elsewhere, also while an ack is awaited', async () => {
  const sockets: SocketEvent[] = [];
  stack.simulator.onSocket((event) => sockets.push(event));
  const image = await createPicture();
  let leaving = stack.worker;
  for (let round = 0; round < HAND_OVERS; round += 1) {
    const next = await stack.startWorker();
    const heard = relayed(names.length);
    // A worker that stops waits a while for these, with its sockets open.
    const faults = names.map(() => stack.simulator.faults.add({ kind: 'drop_ack', count: null }));
    const fields = { phone: '6281234567890', image };
    await Promise.all(names.map((name) => sendImage(stack.url, name, fields, { prefer: 'respond-async' })));
    await heard;
    leaving.kill('SIGTERM');
    assert.equal(await leaving.exited, 0);
    for (const fault of faults) stack.simulator.faults.remove(fault);
    await waitUntil('the other worker owns them all', async () => {
      const owners = await readOwners(stack.redis, keys, names);
      return owners.every((owner) => owner === next.ready['worker_id']);
    });
    await waitUntil('they are all connected', () => stack.simulator.connections().length === names.length);
    leaving = next;
  }
  assert.deepEqual(findDoubleOwned(sockets), []);
});

/** Resolves when so many messages have come to WhatsApp's server. */
function relayed(count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let seen = 0;
  const stop = stack.simulator.onMessage(() => {
    seen += 1;
    if (seen < count) return;
    stop();
    resolve();
  });
  return promise;
}
