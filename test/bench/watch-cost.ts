// What the dashboard's events cost a gateway and Redis while one page listens, and while none does:
//   node --conditions=source test/bench/watch-cost.ts [devices, 1000]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newMessageId } from '@postern/contract';
import { startLocalRedis } from '@postern/local-redis';
import { connectRedis, createDevices, createKeys, createMessages } from '@postern/registry';
import { delay, withLifetime } from '@postern/runtime';
import { startService } from '../support/service-process.ts';
import { readCpuMs } from './process-usage.ts';

const [devices = 1000] = process.argv.slice(2).map(Number);
const MESSAGES = 20;
const PHASE_MS = 20_000;
/** Long enough for the first look, which reads everything. */
const SETTLE_MS = 6_000;

const lifetime = await withLifetime(async (owned) => {
  const directory = owned.use(await mkdtemp(join(tmpdir(), 'postern-bench-')), (path) => rm(path, { recursive: true }));
  const server = owned.use(await startLocalRedis(), (running) => running.stop());
  const redis = owned.use(
    await connectRedis({ url: server.url, name: 'bench', profile: 'patient', onError: () => {} }),
    (client) => client.disconnect(),
  );
  const keys = createKeys('postern');
  const messages = createMessages(redis, keys, { recordTtlMs: 3_600_000 });
  for (let index = 0; index < devices; index += 1) {
    const device_id = `device-${index}`;
    await createDevices(redis, keys).create(device_id);
    for (let n = 0; n < MESSAGES; n += 1) {
      const [message_id, created_at, phone] = [newMessageId(), Date.now(), '628123456789@s.whatsapp.net'];
      const expires_at = created_at + 3_600_000;
      await messages.create({ message_id, device_id, phone, state: 'queued', attempts: 0, created_at, expires_at });
    }
  }
  const env = { REDIS_URL: server.url, BLOB_DIR: directory, METRICS_PORT: '0', PORT: '0' };
  const gateway = owned.use(await startService('gateway', env), (running) => running.stop());
  const measure = async (phase: string) => {
    const before = { gateway: readCpuMs(gateway.pid), redis: readCpuMs(server.pid) };
    await delay(PHASE_MS);
    const percent = (now: number, then: number) => Math.round(((now - then) / PHASE_MS) * 1000) / 10;
    console.log({
      phase,
      devices,
      gatewayCpuPercent: percent(readCpuMs(gateway.pid), before.gateway),
      redisCpuPercent: percent(readCpuMs(server.pid), before.redis),
    });
  };
  await delay(SETTLE_MS);
  await measure('nobody listens');
  const leaving = new AbortController();
  const response = await fetch(`http://127.0.0.1:${String(gateway.ready['port'])}/events`, { signal: leaving.signal });
  let bytes = 0;
  const reading = (async () => {
    for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).length;
  })().catch(() => {});
  await delay(SETTLE_MS);
  const snapshotBytes = bytes;
  await measure('one listens');
  console.log({ snapshotBytes, bytesPerSecond: Math.round((bytes - snapshotBytes) / (PHASE_MS / 1000)) });
  leaving.abort();
  await reading;
  await delay(SETTLE_MS);
  await measure('nobody listens any more');
  return owned;
});
await lifetime.stop();
