import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readDashboardQueries } from '../support/dashboard-queries.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { hasPrometheus, type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const skip = hasPrometheus() ? false : 'prometheus is not installed (Debian: in the package prometheus)';
const FRIEND = '6281234567890';
let stack: Stack;
let prometheus: Prometheus;

before(async () => {
  if (skip !== false) return;
  stack = await startStack({ workerEnv: { LEASE_TTL_MS: '1000', SEND_BACKOFF_MS: '50' } });
  await stack.pair('shop', '6280000000001');
  stack.simulator.addPhone({ number: FRIEND });
  const port = (value: unknown) => [Number(value)];
  prometheus = await startPrometheus({
    'postern-gateway': port(stack.gateway.ready['metrics_port']),
    'postern-worker': port(stack.worker.ready['metrics_port']),
  });
});
after(async () => {
  await prometheus?.stop();
  await stack?.stop();
});

test('every query of the dashboard has an answer from a real run', { skip }, async () => {
  stack.simulator.faults.add({ kind: 'nack', error: 503, to: FRIEND });
  // Some messages before each of two scrapes, so that there are rates.
  const sendSome = async (seed: number) => {
    const image = await createPicture(seed);
    for (const phone of [FRIEND, FRIEND, '6289999999999']) await sendImage(stack.url, 'shop', { phone, image });
  };
  const failed = 'count_over_time(postern_messages_total{outcome="failed"}[1m]) > 2';
  await sendSome(1);
  await waitUntil('the first messages are scraped', async () => (await prometheus.query(failed)).length > 0);
  await sendSome(2);
  const rising = 'sum(rate(postern_messages_total{outcome="failed"}[5m])) > 0';
  await waitUntil('the second ones are an increase', async () => (await prometheus.query(rising)).length > 0);
  stack.simulator.closeDevice(stack.simulator.connections()[0]?.device ?? '', 503);
  const disconnects = 'count_over_time(postern_disconnects_total{reason!="restart_required"}[1m]) > 2';
  await waitUntil('the disconnect is scraped', async () => (await prometheus.query(disconnects)).length > 0);
  for (const { panel, expr } of readDashboardQueries()) {
    const results = await prometheus.query(expr);
    assert.ok(
      results.every(({ value }) => value[1] !== 'NaN'),
      `${panel}: ${expr}`,
    );
  }
});

test('Prometheus evaluates every alert, and none is wrong with a healthy run', { skip }, async () => {
  const rules = await waitUntil('every rule has been evaluated', async () => {
    const found = await prometheus.rules();
    return found.every(({ health }) => health !== 'unknown') && found;
  });
  assert.ok(rules.length >= 10);
  for (const { name, health, state } of rules) assert.deepEqual([name, health, state], [name, 'ok', 'inactive']);
});

test('a worker that dies raises PosternTargetDown and PosternLanesUnowned', { skip }, async () => {
  stack.worker.kill('SIGKILL');
  await stack.worker.exited;
  const image = await createPicture(3);
  await sendImage(stack.url, 'shop', { phone: FRIEND, image }, { Prefer: 'respond-async' });
  await prometheus.untilFiring('PosternTargetDown');
  await prometheus.untilFiring('PosternLanesUnowned');
});
