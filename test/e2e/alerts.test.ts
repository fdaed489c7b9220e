import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Fault } from '@postern/simulator';
import { createPicture } from '../support/distinct-picture.ts';
import { hasPrometheus, type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const skip = hasPrometheus() ? false : 'prometheus is not installed (Debian: in the package prometheus)';
const FRIEND = '6281234567890';
/** The alerts look for more than ten within ten minutes. */
const ENOUGH = 14;
let stack: Stack;
let prometheus: Prometheus;
let image: Buffer;

before(async () => {
  if (skip !== false) return;
  const bounds = { ACK_TIMEOUT_MS: '250', SEND_BACKOFF_MS: '20', LEASE_TTL_MS: '1500' };
  stack = await startStack({ simulator: { autoReceipts: 'none' }, workerEnv: bounds });
  await stack.pair('shop', '6280000000001');
  stack.simulator.addPhone({ number: FRIEND });
  image = await createPicture();
  prometheus = await startPrometheus({
    'postern-gateway': [Number(stack.gateway.ready['metrics_port'])],
    'postern-worker': [Number(stack.worker.ready['metrics_port'])],
  });
  await waitUntil('both are scraped', async () => (await prometheus.query('sum(up) == 2')).length > 0);
});
after(async () => {
  await prometheus?.stop();
  await stack?.stop();
});

const send = (headers: Record<string, string> = {}) => sendImage(stack.url, 'shop', { phone: FRIEND, image }, headers);

async function sendUnder(fault: Fault): Promise<void> {
  for (let n = 0; n < ENOUGH; n += 1) {
    stack.simulator.faults.add(fault);
    await send();
  }
}

test('acks that are missed raise PosternAckTimeouts, although every message is sent in the end', { skip }, async () => {
  await sendUnder({ kind: 'drop_ack', to: FRIEND });
  await prometheus.untilFiring('PosternAckTimeouts');
  const failed = await prometheus.query('sum(postern_messages_total{outcome="failed"})');
  assert.equal(failed[0]?.value[1], '0');
});

test('messages that WhatsApp refuses raise PosternFailureRatio', { skip }, async () => {
  await sendUnder({ kind: 'nack', error: 479, to: FRIEND });
  await prometheus.untilFiring('PosternFailureRatio');
});

test('a Redis that is almost full raises PosternRedisMemory', { skip }, async (t) => {
  const used = Number(/used_memory:(\d+)/.exec(await stack.redis.info('memory'))?.[1]);
  await stack.redis.config('SET', 'maxmemory', String(Math.round(used * 1.15)));
  t.after(() => stack.redis.config('SET', 'maxmemory', '0'));
  await prometheus.untilFiring('PosternRedisMemory');
});

test('a worker that stood still for longer than its leases raises PosternLeaseLost when it wakes', {
  skip,
}, async () => {
  const other = await stack.startWorker();
  stack.worker.kill('SIGSTOP');
  try {
    await waitUntil('the other one has its device', () => other.logged('lease acquired').length > 0);
  } finally {
    stack.worker.kill('SIGCONT');
  }
  await prometheus.untilFiring('PosternLeaseLost');
});

test('a Redis that does not answer raises PosternRedisDown', { skip }, async (t) => {
  process.kill(stack.redisServer.pid, 'SIGSTOP');
  t.after(() => process.kill(stack.redisServer.pid, 'SIGCONT'));
  await prometheus.untilFiring('PosternRedisDown');
});
