import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { delay } from '@postern/runtime';
import { startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { sendForm } from '../testing/send-form.ts';
import { startWorkerDouble } from '../testing/worker-double.ts';

test('a gateway that stops tells who waits, refuses new sends, and is not ready', async (t) => {
  const tested = await startGatewayUnderTest({ SYNC_WAIT_MS: '60000' });
  t.after(() => tested.stop());
  await tested.addDevice('phone');
  const waiting = sendForm(tested.url);
  while ((await tested.laneSize('phone')) === 0) await delay(10);
  const stream = connect(tested.gateway.port, '127.0.0.1');
  const startedMs = performance.now();
  const stopping = tested.gateway.stop();
  const ready = await fetch(`${tested.url}/readyz`);
  assert.equal(ready.status, 503);
  assert.equal((await fetch(`http://127.0.0.1:${tested.gateway.metricsPort}/readyz`)).status, 503);
  const refused = await sendForm(tested.url);
  assert.deepEqual([refused.status, refused.body.code], [503, 'SHUTTING_DOWN']);
  assert.equal(refused.headers.get('connection'), 'close');
  const answer = await waiting;
  assert.deepEqual([answer.status, answer.body.code], [503, 'SHUTTING_DOWN']);
  const messageId = String(answer.body.results?.['message_id']);
  assert.equal(answer.body.results?.['status_url'], `/messages/${messageId}`);
  assert.equal((await tested.messages.get(messageId))?.state, 'queued', 'the message goes on');
  assert.equal(await tested.laneSize('phone'), 1);
  await stopping;
  assert.ok(performance.now() - startedMs < 6_000);
  stream.destroy();
});

test('a message that settles while its gateway drains is answered as usual', async (t) => {
  const tested = await startGatewayUnderTest({ SYNC_WAIT_MS: '60000' });
  t.after(() => tested.stop());
  await tested.addDevice('phone');
  const waiting = sendForm(tested.url);
  while ((await tested.laneSize('phone')) === 0) await delay(10);
  const stopping = tested.gateway.stop();
  const worker = await startWorkerDouble(tested, { deviceId: 'phone' });
  const answer = await waiting;
  assert.equal(answer.status, 200);
  await stopping;
  await worker.stop();
});

test('an idle gateway stops at once, whatever connections are open', async (t) => {
  const tested = await startGatewayUnderTest();
  t.after(() => tested.stop());
  await fetch(`${tested.url}/healthz`);
  const half = connect(tested.gateway.port, '127.0.0.1');
  half.on('error', () => {});
  await once(half, 'connect');
  half.write('POST /send/image HTTP/1.1\r\nHost: lo');
  const startedMs = performance.now();
  await tested.gateway.stop();
  assert.ok(performance.now() - startedMs < 3_000);
});

test('a result whose news is lost is found by reading the record', async (t) => {
  const tested = await startGatewayUnderTest();
  t.after(() => tested.stop());
  await tested.addDevice('phone');
  const worker = await startWorkerDouble(tested, { deviceId: 'phone', tells: false });
  const startedMs = performance.now();
  const answer = await sendForm(tested.url);
  assert.equal(answer.status, 200);
  assert.ok(performance.now() - startedMs < 2_500);
  const metrics = await (await fetch(`http://127.0.0.1:${tested.gateway.metricsPort}/metrics`)).text();
  assert.match(metrics, /postern_outcome_fallbacks_total 1/);
  assert.match(metrics, /postern_http_requests_total\{method="POST",route="\/send\/image",status="200"\} 1/);
  await worker.stop();
});
