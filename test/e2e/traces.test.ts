import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Lifetime } from '@postern/runtime';
import { createPicture } from '../support/distinct-picture.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const FRIEND = '6281234567890';
const CALLER = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const lifetime = new Lifetime();
let collector: OtlpReceiver;
let stack: Stack;
let image: Buffer;

before(async () => {
  collector = lifetime.use(await startOtlpReceiver(), (started) => started.stop());
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=postern%20test' };
  const workerEnv = { ...env, SEND_BACKOFF_MS: '20' };
  stack = lifetime.use(await startStack({ gatewayEnv: env, workerEnv }), (started) => started.stop());
  await stack.pair('shop', '6280000000001');
  stack.simulator.addPhone({ number: FRIEND });
  image = await createPicture();
});
after(() => lifetime.stop());

/** The spans of the request, once gateway and worker have sent theirs. */
function spansOf(requestId: string): Promise<ReceivedSpan[]> {
  return waitUntil(`the trace of ${requestId} is complete`, () => {
    const own = collector.spans.filter(({ attributes }) => attributes['request_id'] === requestId);
    const spans = collector.spans.filter(({ traceId }) => traceId === own[0]?.traceId);
    return own.length === 2 && spans;
  });
}

const named = (spans: ReceivedSpan[], name: string) => spans.filter((span) => span.name === name);

test('a request is one trace from the gateway to the worker’s stages, and its id is in both logs', async () => {
  const headers = { 'X-Request-Id': 'order-4711', traceparent: `00-${CALLER.traceId}-${CALLER.spanId}-01` };
  const answer = await sendImage(stack.url, 'shop', { phone: FRIEND, image, caption: 'do not trace me' }, headers);
  assert.equal(answer.status, 200);
  const spans = await spansOf('order-4711');
  const [request] = named(spans, 'POST /send/image');
  const [message] = named(spans, 'send-image');
  assert.ok(request && message);

  const ids = { request_id: 'order-4711', device_id: 'shop', message_id: answer.results['message_id'] };
  for (const span of [request, message]) {
    const { request_id, device_id, message_id } = span.attributes;
    assert.deepEqual({ request_id, device_id, message_id }, ids);
    assert.equal(span.traceId, CALLER.traceId);
  }
  assert.deepEqual([request.parentId, request.kind, request.service], [CALLER.spanId, 'server', 'postern-gateway']);
  assert.deepEqual([message.parentId, message.kind, message.service], [request.spanId, 'consumer', 'postern-worker']);
  assert.equal(request.attributes['http.response.status_code'], 200);
  assert.deepEqual([message.attributes['outcome'], message.attributes['attempts']], ['sent', 1]);

  const childrenOf = (parent: ReceivedSpan) =>
    spans.filter(({ parentId }) => parentId === parent.spanId).toSorted((one, other) => one.startMs - other.startMs);
  const stages = childrenOf(message).map(({ name }) => name);
  assert.deepEqual(stages, ['queue_wait', 'fetch', 'process', 'lookup', 'upload', 'relay', 'ack']);
  assert.deepEqual(
    childrenOf(request)
      .map(({ name }) => name)
      .toSorted(),
    ['receive', 'send-image', 'wait'],
  );
  for (const span of spans) assert.ok(span.endMs >= span.startMs && !span.isError, span.name);

  const trace_id = CALLER.traceId;
  assert.ok(stack.gateway.logged('answered').some((line) => line['trace_id'] === trace_id));
  const line = stack.worker.logged('message sent').find((each) => each['request_id'] === 'order-4711');
  assert.equal(line?.['trace_id'], trace_id);
});

test('an attempt that failed is an error in its trace, and the stages of the next one follow', async () => {
  stack.simulator.faults.add({ kind: 'nack', error: 503, to: FRIEND });
  const answer = await sendImage(stack.url, 'shop', { phone: FRIEND, image }, { 'X-Request-Id': 'again' });
  assert.equal(answer.status, 200);
  const spans = await spansOf('again');
  assert.notEqual(spans[0]?.traceId, CALLER.traceId);
  assert.equal(named(spans, 'POST /send/image')[0]?.parentId, '');
  // The refusal may be here before the write is known to be done: then it ends the relay.
  const failed = spans.filter(({ name, isError }) => isError && (name === 'relay' || name === 'ack'));
  assert.deepEqual(
    failed.map(({ attributes }) => attributes['error.type']),
    ['SEND_FAILED'],
  );
  assert.equal(named(spans, 'ack').at(-1)?.isError, false);
  assert.equal(named(spans, 'send-image')[0]?.attributes['attempts'], 2);
});

test('a message that fails says why in its trace, and who calls with a damaged traceparent begins a trace', async () => {
  const headers = { 'X-Request-Id': 'nobody', traceparent: '00-00000000000000000000000000000000-1-01' };
  const answer = await sendImage(stack.url, 'shop', { phone: '6289999999999', image }, headers);
  assert.equal(answer.code, 'INVALID_JID');
  const [message] = named(await spansOf('nobody'), 'send-image');
  assert.ok(message);
  assert.deepEqual([message.isError, message.attributes['code']], [true, 'INVALID_JID']);
  assert.match(message.traceId, /^[0-9a-f]{32}$/);
});

test('what the caller decided about sampling is kept across the queue', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const spansBefore = collector.spans.length;
  const answer = await sendImage(
    stack.url,
    'shop',
    { phone: FRIEND, image },
    { traceparent: `00-${traceId}-${CALLER.spanId}-00` },
  );
  assert.equal(answer.status, 200);
  await sendImage(stack.url, 'shop', { phone: FRIEND, image }, { 'X-Request-Id': 'after' });
  await spansOf('after');
  assert.ok(collector.spans.length > spansBefore);
  assert.deepEqual(
    collector.spans.filter((span) => span.traceId === traceId),
    [],
  );
});

test('a board that asks every few seconds is not traced', async () => {
  assert.equal((await fetch(`${stack.url}/queues/api/queues`)).status, 200);
  assert.equal((await fetch(`${stack.url}/devices`, { headers: { 'X-Request-Id': 'traced' } })).status, 200);
  await waitUntil('the other request is traced', () =>
    collector.spans.some(({ attributes }) => attributes['request_id'] === 'traced'),
  );
  assert.ok(!collector.spans.some(({ name }) => name.includes('/queues')));
});

test('no trace holds a caption or a number, and every post has the configured headers', () => {
  const sent = Buffer.concat(collector.bodies).toString('latin1');
  for (const secret of ['do not trace me', FRIEND, '6289999999999', '6280000000001']) {
    assert.ok(!sent.includes(secret), secret);
  }
  assert.ok(collector.headers.every((headers) => headers['x-tenant'] === 'postern test'));
});

test('a collector that is away costs a line in the log, and no message', async () => {
  await collector.stop();
  const answer = await sendImage(stack.url, 'shop', { phone: FRIEND, image });
  assert.equal(answer.status, 200);
  await waitUntil('the gateway says so', () => stack.gateway.logged('traces not sent').length > 0);
});
