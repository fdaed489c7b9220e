/**
 * What a linked device that sends nothing costs: memory of its worker and of Redis, connections to Redis, and scrapes.
 *
 *   node --conditions=source test/bench/idle-devices.ts [devices] [workers]
 *
 * The devices' credentials are written, not paired one by one. Workers start with none, and are measured again when a tenth,
 * three tenths and all of the devices are registered and connected: as they are, and after a garbage collection.
 */
import { readFileSync } from 'node:fs';
import { delay } from '@postern/runtime';
import { registerLinkedDevices } from '../support/linked-devices.ts';
import { scrape, scrapeText, total } from '../support/scrape.ts';
import { startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';
import { readCpuMs } from './process-usage.ts';

const DEVICES = Number(process.argv[2] ?? 1000);
const WORKERS = Number(process.argv[3] ?? 2);
const STEPS = [0.1, 0.3, 1];
const SETTLE_MS = 5_000;
/** What a worker of idle devices uses of a core, at most: pings, renewals, scans. */
const IDLE_CPU = 0.25;
const COLLECTOR = new URL('collect-on-signal.mjs', import.meta.url).href;

function rssMegabytes(pid: number): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/);
  return Math.round(Number(line?.[1] ?? 0) / 1024);
}

const workerEnv = { NODE_OPTIONS: `--import=${COLLECTOR}` };
const stack = await startStack({ simulator: { autoReceipts: 'none' }, workerEnv });
try {
  const workers = [stack.worker];
  while (workers.length < WORKERS) workers.push(await stack.startWorker());
  const measure = async (devices: number, seconds: number) => {
    const ask = async (section: string, field: string) =>
      Number((await stack.redis.info(section)).match(new RegExp(`^${field}:(\\d+)`, 'm'))?.[1] ?? 0);
    const clients = await ask('clients', 'connected_clients');
    const redisMb = Math.round((await ask('memory', 'used_memory')) / 1024 / 102.4) / 10;
    const rssNow = () => workers.map((worker) => rssMegabytes(worker.pid));
    const rss = rssNow();
    for (const worker of workers) worker.kill('SIGUSR2');
    await delay(SETTLE_MS);
    const heaps = workers.map(async (worker) => total(await scrape(worker), 'nodejs_heap_size_used_bytes') ?? 0);
    const heap = (await Promise.all(heaps)).map((bytes) => Math.round(bytes / 1024 / 1024));
    console.log(
      JSON.stringify({
        devices,
        connect_seconds: seconds,
        worker_rss_mb: rss,
        collected: { rss_mb: rssNow(), heap_mb: heap },
        redis_clients: clients,
        redis_mb: redisMb,
      }),
    );
  };
  /** Connected is not the end: each device then makes and uploads 812 pre-keys. */
  const untilIdle = async () => {
    const cpuMs = () => workers.reduce((sum, worker) => sum + readCpuMs(worker.pid), 0);
    for (let [before, used] = [cpuMs(), Number.POSITIVE_INFINITY]; used > IDLE_CPU * SETTLE_MS * WORKERS; ) {
      await delay(SETTLE_MS);
      const now = cpuMs();
      used = now - before;
      before = now;
    }
  };
  await measure(0, 0);
  let from = 0;
  for (const share of STEPS) {
    const to = Math.round(DEVICES * share);
    const ids = Array.from({ length: to - from }, (_, index) => `idle-${from + index}`);
    const started = performance.now();
    await registerLinkedDevices(stack, ids, 628_500_000_000 + from);
    await waitUntil('all are connected', () => stack.simulator.connections().length >= to, 600_000);
    await untilIdle();
    await measure(to, Math.round((performance.now() - started) / 100) / 10);
    from = to;
  }
  // Between two scrapes the loop's longest turn is that of the first one, if nothing else happens.
  for (const worker of workers) {
    await scrape(worker);
    await delay(1_000);
    const started = performance.now();
    const bytes = Buffer.byteLength(await scrapeText(worker));
    const scrapeMs = Math.round(performance.now() - started);
    await delay(200);
    const lag = total(await scrape(worker), 'nodejs_eventloop_lag_max_seconds') ?? 0;
    console.log(JSON.stringify({ scrape_ms: scrapeMs, bytes, longest_turn_ms: Math.round(lag * 1000) }));
  }
} finally {
  await stack.stop();
}
