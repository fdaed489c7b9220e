import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startLocalRedis } from '@postern/local-redis';
import { connectRedis } from '@postern/registry';
import { Lifetime } from '@postern/runtime';
import { type LogLine, startService } from '../support/service-process.ts';
import { waitUntil } from '../support/wait-until.ts';

const PASSWORD = 'p4ssw0rd-of-the-queue';
const CHANGED = 'another-p4ssw0rd';

const reasonOf = (line: LogLine) => (line['err'] as { message?: string } | undefined)?.message ?? '';

const lifetime = new Lifetime();
after(() => lifetime.stop());

test('services whose password Redis refuses say so, and never say the password', async () => {
  const server = lifetime.use(await startLocalRedis(), (running) => running.stop());
  const directory = lifetime.use(await mkdtemp(join(tmpdir(), 'postern-e2e-')), (path) =>
    rm(path, { recursive: true, force: true }),
  );
  const admin = lifetime.use(
    await connectRedis({ url: server.url, name: 'admin', profile: 'patient', onError: () => {} }),
    (client) => client.disconnect(),
  );
  await admin.config('SET', 'requirepass', PASSWORD);
  const REDIS_URL = server.url.replace('//', `//:${PASSWORD}@`);
  const env = { REDIS_URL, BLOB_DIR: directory, PORT: '0', METRICS_PORT: '0', LOG_LEVEL: 'trace' };
  const services = await Promise.all((['gateway', 'worker'] as const).map((app) => startService(app, env)));
  for (const service of services) lifetime.use(service, (running) => running.stop());
  await admin.config('SET', 'requirepass', CHANGED);
  // The admin's own connection too: it is never needed again.
  await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no').catch(() => {});

  const [gateway] = services;
  const url = `http://127.0.0.1:${String(gateway?.ready['port'])}`;
  for (const [index, service] of services.entries()) {
    await waitUntil(`service ${index} is refused`, () =>
      service.logged('redis connection failed').some((line) => reasonOf(line).includes('WRONGPASS')),
    );
  }
  const answer = await fetch(`${url}/devices`);
  assert.equal(answer.status, 503);
  const outputs = [...services.map((service) => service.output()), await answer.text()];
  for (const app of ['gateway', 'worker'] as const) {
    const isRefused = (error: Error) => {
      outputs.push(error.message);
      return /ended before it was ready \(1\)/.test(error.message) && /"level":"fatal".*WRONGPASS/.test(error.message);
    };
    await assert.rejects(startService(app, env), isRefused);
  }
  for (const output of outputs) assert.ok(!output.includes(PASSWORD), output);
});
