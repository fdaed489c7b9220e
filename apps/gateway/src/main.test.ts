import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startLocalRedis } from '@postern/local-redis';

function startMain(variables: Record<string, string>) {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const env = { PATH: process.env['PATH'], ...variables };
  return spawn(process.execPath, ['--conditions=source', main], { env, stdio: 'pipe' });
}

test('the process says when it is ready and where, and ends by itself after SIGTERM', async (t) => {
  const redis = await startLocalRedis();
  const directory = await mkdtemp(join(tmpdir(), 'postern-main-'));
  t.after(() => redis.stop());
  t.after(() => rm(directory, { recursive: true }));
  const gateway = startMain({ REDIS_URL: redis.url, BLOB_DIR: directory, PORT: '0', METRICS_PORT: '0' });
  const exited = once(gateway, 'exit');
  let ready: Record<string, unknown> = {};
  for await (const line of createInterface(gateway.stdout)) {
    ready = JSON.parse(line) as Record<string, unknown>;
    if (ready['msg'] === 'ready') break;
  }
  const alive = await fetch(`http://127.0.0.1:${String(ready['port'])}/healthz`);
  assert.equal(alive.status, 200);
  const metrics = await fetch(`http://127.0.0.1:${String(ready['metrics_port'])}/metrics`);
  assert.match(await metrics.text(), /postern_waiters 0/);
  gateway.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
  test(`after ${signal} to Redis the process still ends by itself, within two seconds of SIGTERM`, async (t) => {
    const redis = await startLocalRedis();
    const directory = await mkdtemp(join(tmpdir(), 'postern-main-'));
    t.after(() => signal === 'SIGSTOP' && process.kill(redis.pid, 'SIGCONT'));
    t.after(() => redis.stop());
    t.after(() => rm(directory, { recursive: true }));
    const gateway = startMain({ REDIS_URL: redis.url, BLOB_DIR: directory, PORT: '0', METRICS_PORT: '0' });
    const exited = once(gateway, 'exit');
    for await (const line of createInterface(gateway.stdout)) {
      if (line.includes('"ready"')) process.kill(redis.pid, signal);
      // Where connections end, in the middle of a pause between two attempts to connect.
      if (line.includes('redis connection failed') || (line.includes('"ready"') && signal === 'SIGSTOP')) break;
    }
    const startedMs = performance.now();
    gateway.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
    const elapsedMs = performance.now() - startedMs;
    assert.ok(elapsedMs < 2_000, `took ${Math.round(elapsedMs)} ms`);
  });
}

test('an environment that is not usable is explained on standard error, and the process ends with 1', async () => {
  const gateway = startMain({ PORT: 'http' });
  let said = '';
  gateway.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  assert.deepEqual(await once(gateway, 'exit'), [1, null]);
  assert.match(said, /REDIS_URL: required/);
  assert.match(said, /PORT: expected a whole number/);
});

test('a start that fails is said in one line of JSON, here because METRICS_HOST is no address of this machine', async (t) => {
  const redis = await startLocalRedis();
  const directory = await mkdtemp(join(tmpdir(), 'postern-main-'));
  t.after(() => redis.stop());
  t.after(() => rm(directory, { recursive: true }));
  const own = { REDIS_URL: redis.url, BLOB_DIR: directory, PORT: '0', METRICS_PORT: '0', METRICS_HOST: '192.0.2.1' };
  const gateway = startMain(own);
  const reading = Promise.all([text(gateway.stdout), text(gateway.stderr), once(gateway, 'close')]);
  const [stdout, stderr, [code]] = await reading;
  assert.deepEqual([code, stderr], [1, '']);
  const last = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
  assert.deepEqual([last['level'], last['msg']], ['fatal', 'not started']);
  assert.match(JSON.stringify(last['err']), /EADDRNOTAVAIL.*192\.0\.2\.1/);
});
