import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKeys } from '@postern/registry';
import { delay, Lifetime } from '@postern/runtime';
import { request, untilConnection } from '../support/api.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { hasPrometheus, type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const skip = hasPrometheus() ? false : 'prometheus is not installed (Debian: in the package prometheus)';
const FRIEND = '6281234567890';
const keys = createKeys('postern');
const lifetime = new Lifetime();
let stack: Stack;
let prometheus: Prometheus;
let device: string;
let messageId: string;

before(async () => {
  if (skip !== false) return;
  const workerEnv = { LEASE_TTL_MS: '1500', UPLOAD_TIMEOUT_MS: '600000' };
  stack = lifetime.use(await startStack({ workerEnv }), (started) => started.stop());
  device = (await stack.pair('shop', '6280000000001')).linked()[0] ?? '';
  stack.simulator.addPhone({ number: FRIEND });
  const starting = startPrometheus({
    'postern-gateway': [Number(stack.gateway.ready['metrics_port'])],
    'postern-worker': [Number(stack.worker.ready['metrics_port'])],
  });
  prometheus = lifetime.use(await starting, (started) => started.stop());
  await waitUntil('both are scraped', async () => (await prometheus.query('sum(up) == 2')).length > 0);
});
after(() => lifetime.stop());

/** Makes the message as old as if it had been accepted then. */
const age = (minutes: number) =>
  stack.redis.hset(keys.device('shop').message(messageId), 'created_at', String(Date.now() - minutes * 60_000));

async function assertQuiet(alert: string): Promise<void> {
  const rule = (await prometheus.rules()).find(({ name }) => name === alert);
  assert.equal(rule?.state, 'inactive', alert);
}

test('uploads that hang raise PosternNothingCompletes', { skip }, async () => {
  stack.simulator.faults.add({ kind: 'upload_hang', count: null });
  const image = await createPicture();
  const answer = await sendImage(stack.url, 'shop', { phone: FRIEND, image }, { Prefer: 'respond-async' });
  messageId = String(answer.results['message_id']);
  await prometheus.untilFiring('PosternNothingCompletes');
});

test('a message of a connected device that waits for minutes raises PosternLaneLate', { skip }, async () => {
  await assertQuiet('PosternLaneLate');
  await age(6);
  await prometheus.untilFiring('PosternLaneLate');
});

test('a message in a lane that was paused and forgotten raises PosternLanePaused', { skip }, async () => {
  assert.equal((await request(stack.url, 'POST', '/lanes/shop/pause')).status, 200);
  await assertQuiet('PosternLanePaused');
  await age(61);
  await prometheus.untilFiring('PosternLanePaused');
  assert.equal((await request(stack.url, 'POST', '/lanes/shop/resume')).status, 200);
});

test('a device that cannot connect raises PosternDevicesDropped, and its backlog PosternDeviceBacklog', {
  skip,
}, async () => {
  // Looked at once a minute, as the alert does.
  const seen = 'max_over_time(sum(postern_devices{state="connected"})[30m:1m]) == 1';
  await waitUntil('it was seen connected', async () => (await prometheus.query(seen)).length > 0, 75_000);
  stack.simulator.faults.add({ kind: 'upgrade_status', status: 503, count: null });
  await age(1);
  stack.simulator.closeDevice(device);
  await untilConnection(stack.url, 'shop', 'disconnected');
  await prometheus.untilFiring('PosternDevicesDropped');
  await assertQuiet('PosternDeviceBacklog');
  await age(31);
  await prometheus.untilFiring('PosternDeviceBacklog');
});

test('a gateway that gets the processor for moments only raises PosternEventLoopLag', { skip }, async () => {
  const ending = new AbortController();
  const starve = async () => {
    while (!ending.signal.aborted) {
      stack.gateway.kill('SIGSTOP');
      await delay(450);
      stack.gateway.kill('SIGCONT');
      await delay(150);
    }
  };
  const starving = starve();
  try {
    await prometheus.untilFiring('PosternEventLoopLag');
  } finally {
    ending.abort();
    await starving;
  }
});
