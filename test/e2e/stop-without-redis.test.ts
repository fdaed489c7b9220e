import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createPicture } from '../support/distinct-picture.ts';
import { untilState } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { recordStanzas } from '../support/stanzas.ts';
import { waitUntil } from '../support/wait-until.ts';

const GRACE_MS = 10_000;
const NUMBER = '6281234567890';
let stack: Stack;

beforeEach(async () => {
  stack = await startStack({ workerEnv: { LEASE_TTL_MS: '2000' } });
  await stack.pair('shop', '6280000000001');
  stack.simulator.addPhone({ number: NUMBER });
});
afterEach(() => stack.stop());

for (const [how, signal] of [
  ['silent', 'SIGSTOP'],
  ['dead', 'SIGKILL'],
] as const) {
  test(`a worker told to stop while Redis is ${how} closes its sockets, says so, and ends with 0; its successor sends the rest`, async () => {
    const stanzas = recordStanzas(stack.simulator);
    // In hand when Redis goes: nobody acknowledges it.
    stack.simulator.faults.add({ kind: 'drop_ack', to: NUMBER });
    const image = await createPicture(1);
    const accepted = await sendImage(stack.url, 'shop', { phone: NUMBER, image }, { Prefer: 'respond-async, wait=0' });
    const id = String(accepted.results['message_id']);
    await waitUntil('it is with WhatsApp', () => stanzas.of(id).length === 1);
    // Redis writes its file every second.
    await stack.redis.config('SET', 'appendfsync', 'always');
    process.kill(stack.redisServer.pid, signal);
    const toldAt = performance.now();
    stack.worker.kill('SIGTERM');
    assert.equal(await stack.worker.exited, 0, stack.worker.output());
    assert.ok(performance.now() - toldAt < GRACE_MS, `took ${Math.round(performance.now() - toldAt)} ms`);
    assert.equal(
      stack.worker.logged('stopping without Redis: nothing is handed over, leases run out by themselves').length,
      1,
    );
    assert.equal(stack.worker.logged('stopped').length, 1);
    await waitUntil('its socket is closed', () => stack.simulator.connections().length === 0);
    if (signal === 'SIGKILL') await stack.restartRedis();
    else process.kill(stack.redisServer.pid, 'SIGCONT');
    await stack.startWorker();
    await untilState(stack.url, id, 'delivered');
  });
}
