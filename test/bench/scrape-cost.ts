// What a scrape of a gateway costs while every one of many lanes has messages and no worker lives, the worst there is:
//   node --conditions=source test/bench/scrape-cost.ts [devices, 1000] [messages each, 3]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newMessageId } from '@postern/contract';
import { startLocalRedis } from '@postern/local-redis';
import { createProducer } from '@postern/queue';
import { connectRedis, createDevices, createKeys, createMessages } from '@postern/registry';
import { delay, withLifetime } from '@postern/runtime';
import { scrape, scrapeText, total } from '../support/scrape.ts';
import { startService } from '../support/service-process.ts';

const [devices = 1000, messagesEach = 3] = process.argv.slice(2).map(Number);
const SCRAPES = 5;
/** Longer than a reading is kept. */
const BETWEEN_MS = 4_000;

const lifetime = await withLifetime(async (owned) => {
  const directory = owned.use(await mkdtemp(join(tmpdir(), 'postern-bench-')), (path) => rm(path, { recursive: true }));
  const server = owned.use(await startLocalRedis(), (running) => running.stop());
  const redis = owned.use(
    await connectRedis({ url: server.url, name: 'bench', profile: 'patient', onError: () => {} }),
    (client) => client.disconnect(),
  );
  const keys = createKeys('postern');
  const messages = createMessages(redis, keys, { recordTtlMs: 600_000 });
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  for (let index = 0; index < devices; index += 1) {
    const device_id = `device-${index}`;
    await createDevices(redis, keys).create(device_id);
    for (let n = 0; n < messagesEach; n += 1) {
      const [message_id, created_at, phone] = [newMessageId(), Date.now(), '628123456789@s.whatsapp.net'];
      const expires_at = created_at + 3_600_000;
      await messages.create({ message_id, device_id, phone, state: 'queued', attempts: 0, created_at, expires_at });
      const ids = { message_id, device_id, request_id: 'bench', reply_to: 'bench' };
      const flags = { view_once: false, compress: false, hd: false, is_forwarded: false, mentions: [], caption: '' };
      const image = { source: 'url' as const, url: 'http://example.com/a.jpg' };
      const recipient = { kind: 'person' as const, jid: phone };
      await producer.accept({ ...ids, ...flags, image, recipient, accepted_at: created_at, expires_at });
    }
  }
  const env = { REDIS_URL: server.url, BLOB_DIR: directory, METRICS_PORT: '0', PORT: '0' };
  const gateway = owned.use(await startService('gateway', env), (running) => running.stop());
  for (let round = 0; round < SCRAPES; round += 1) {
    await scrape(gateway);
    await delay(BETWEEN_MS);
    const startedMs = performance.now();
    const families = await scrape(gateway);
    const scrapeMs = Math.round(performance.now() - startedMs);
    await delay(200);
    const lag = total(await scrape(gateway), 'nodejs_eventloop_lag_max_seconds') ?? 0;
    const lanes = total(families, 'postern_backlog_lanes');
    const readMs = Math.round((total(families, 'postern_backlog_read_seconds') ?? 0) * 1000);
    const samples = [...families.values()].reduce((sum, family) => sum + family.samples.length, 0);
    const bytes = Buffer.byteLength(await scrapeText(gateway));
    console.log({ lanes, scrapeMs, readMs, longestTurnMs: Math.round(lag * 1000), samples, bytes });
  }
  return owned;
});
await lifetime.stop();
