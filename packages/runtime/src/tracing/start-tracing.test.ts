import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import { createLogger } from '../logger.ts';
import { inSpan, NO_TRACING } from './span.ts';
import { startTracing } from './start-tracing.ts';
import type { TracingConfig } from './tracing-env.ts';

const loaded: string[] = [];
registerHooks({
  load(url, context, next) {
    if (url.includes('/@opentelemetry/')) loaded.push(url);
    return next(url, context);
  },
});
const service = { name: 'test', id: 'test-1', logger: createLogger({ name: 'test', level: 'silent' }) };
const CONFIG: TracingConfig = {
  url: 'http://127.0.0.1:9/v1/traces',
  headers: {},
  serviceName: undefined,
  resource: {},
  sampler: 'parentbased_traceidratio',
  ratio: 0,
};
const start = (traceparent?: string) => ({ kind: 'server' as const, traceparent, attributes: {} });

test('without a collector nothing of OpenTelemetry is loaded, and spans are nothing', async () => {
  const tracing = await startTracing(undefined, service);
  assert.equal(tracing, NO_TRACING);
  const span = tracing.begin('request', start('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'));
  assert.deepEqual([span.traceparent, span.traceId, span.begin('part')], [undefined, undefined, span]);
  assert.equal(await inSpan(span, 'part', () => Promise.resolve(7)), 7);
  assert.deepEqual(loaded, []);
});

test('with one, a sampled caller is followed and of the others the share is kept', async (t) => {
  const tracing = await startTracing(CONFIG, service);
  t.after(() => tracing.stop());
  assert.ok(loaded.length > 0);
  const caller = '4bf92f3577b34da6a3ce929d0e0e4736';
  assert.match(
    tracing.begin('request', start(`00-${caller}-00f067aa0ba902b7-01`)).traceparent ?? '',
    new RegExp(`^00-${caller}-[0-9a-f]{16}-01$`),
  );
  assert.match(tracing.begin('request', start()).traceparent ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
});
