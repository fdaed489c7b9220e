import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { readConfig as readGatewayConfig } from '../apps/gateway/src/config.ts';
import { readWorkerConfig, workerEnv } from '../apps/worker/src/config.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const example = [...read('.env.example').matchAll(/^#([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(
  ([, name = '', value = '']) => [name, value] as const,
);
const values = Object.fromEntries(example);

/** The keys of the schemas: a variable's name, then a zod type. */
const schemas = [
  'apps/gateway/src/config.ts',
  'apps/worker/src/config.ts',
  'packages/media/src/blobs/blob-store-env.ts',
  'packages/runtime/src/tracing/tracing-env.ts',
  'packages/simulator/src/main.ts',
];
/** The variables that the schemas of these files read. */
const readIn = (...paths: string[]) =>
  paths.flatMap((path) =>
    [...read(path).matchAll(/^\s+([A-Z][A-Z0-9_]+): (?:z|env)\b/gm)].map((match) => match[1] ?? ''),
  );
const readByUs = new Set(readIn(...schemas));
const READ_BY_NODE = ['NODE_EXTRA_CA_CERTS'];

test('.env.example lists every variable of gateway, worker and simulator once, and no other', () => {
  for (const name of Object.keys(workerEnv.shape)) assert.ok(readByUs.has(name), `${name} was overlooked`);
  assert.ok(readByUs.size > 40);
  assert.deepEqual(example.map(([name]) => name).toSorted(), [...readByUs, ...READ_BY_NODE].toSorted());
});

test('the values in .env.example are the defaults', () => {
  const required = { REDIS_URL: 'redis://127.0.0.1:6379' };
  assert.deepEqual(readGatewayConfig(values), readGatewayConfig(required));
  const worker = { WORKER_ID: 'one' };
  const ownPort = { METRICS_PORT: '9101' };
  assert.deepEqual(
    readWorkerConfig({ ...values, ...worker, ...ownPort }),
    readWorkerConfig({ ...required, ...worker }),
  );
  for (const [, name, fallback] of read('packages/simulator/src/main.ts').matchAll(
    /(SIM_\w+): env\.integer\((\w+),/g,
  )) {
    assert.equal(values[name ?? ''], fallback, name);
  }
});

test('every variable is explained above it or above its group', () => {
  const blocks = read('.env.example').split('\n\n');
  for (const block of blocks.filter((text) => /^#[A-Z][A-Z0-9_]*=/m.test(text))) {
    assert.match(block.split('\n')[0] ?? '', /^# \S/, block);
  }
});

const READ_BY_BOTH = ['packages/media/src/blobs/blob-store-env.ts', 'packages/runtime/src/tracing/tracing-env.ts'];

test('the compose file gives gateway and worker each setting that they read, and none that they do not', () => {
  const { services } = parse(read('docker-compose.yml'), { merge: true }) as {
    services: Record<string, { environment: Record<string, unknown>; env_file?: unknown }>;
  };
  const given = (name: string) => Object.keys(services[name]?.environment ?? {}).toSorted();
  const gateway = readIn('apps/gateway/src/config.ts', ...READ_BY_BOTH);
  assert.deepEqual(given('gateway'), gateway.toSorted());
  // Each worker needs a name of its own.
  const worker = Object.keys(workerEnv.shape).filter((name) => name !== 'WORKER_ID');
  assert.deepEqual(given('worker'), [...worker, ...READ_BY_NODE].toSorted());
  assert.ok(!given('worker').includes('API_KEYS') && !given('gateway').includes('STATE_ENCRYPTION_KEY'));
  for (const service of Object.values(services)) assert.equal(service.env_file, undefined);
});

const SHARED: [name: string, good: string, bad: string][] = [
  ['REDIS_URL', 'rediss://user:secret@redis.example:6380/2', 'http://redis.example'],
  ['REDIS_PREFIX', 'shop_1-a', 'a b'],
  ['METRICS_PORT', '0', '65536'],
  ['DEVICE_GRACE_MS', '86400000', '86400001'],
  ['RECORD_TTL_MS', '1000', '0'],
  ['URL_ALLOW_PRIVATE', '10.0.0.0/8,fd00::/8', '10.0.0.0'],
  ['LOG_LEVEL', 'debug', 'loud'],
];
for (const [name, good, bad] of SHARED) {
  test(`gateway and worker take and refuse the same ${name}`, () => {
    for (const readConfig of [readGatewayConfig, readWorkerConfig]) {
      readConfig({ REDIS_URL: 'redis://127.0.0.1:6379', [name]: good });
      assert.throws(() => readConfig({ REDIS_URL: 'redis://127.0.0.1:6379', [name]: bad }), new RegExp(name));
    }
  });
}
