import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { readEnv } from '../env.ts';
import { parseTracingConfig, tracingEnv } from './tracing-env.ts';

const read = (variables: Record<string, string>) => parseTracingConfig(readEnv(z.object(tracingEnv), variables));
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };

test('without an endpoint, or when it is disabled, nothing is traced', () => {
  assert.equal(read({}), undefined);
  assert.equal(read({ OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on' }), undefined);
  assert.equal(read({ ...ENDPOINT, OTEL_SDK_DISABLED: 'true' }), undefined);
});

test('the common endpoint is a base, the one for traces the whole address', () => {
  assert.equal(read(ENDPOINT)?.url, 'http://collector:4318/v1/traces');
  const own = { ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://other/t' };
  assert.equal(read(own)?.url, 'https://other/t');
});

test('headers and attributes are decoded pairs', () => {
  const config = read({
    ...ENDPOINT,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20a=b, x-tenant=one',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
  });
  assert.deepEqual(config?.headers, { authorization: 'Bearer a=b', 'x-tenant': 'one' });
  assert.deepEqual(config?.resource, { 'deployment.environment': 'test' });
});

test('what cannot be used is named, without its value', () => {
  for (const [name, value] of [
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'hunter2'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%hunter2'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
  ] as const) {
    assert.throws(
      () => read({ ...ENDPOINT, [name]: value }),
      (error: Error) => error.message.includes(name) && !error.message.includes('hunter2'),
      name,
    );
  }
});
