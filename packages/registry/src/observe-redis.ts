import { delay, Gauge, Histogram, monotonicMs, type Registry, within } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { toMasters } from './scan-keys.ts';
import type { WriteProbe } from './write-probe.ts';

const INTERVAL_MS = 5_000;
const PATIENCE_MS = 2_000;
const UNKNOWN = { used: Number.NaN, limit: Number.NaN };

/**
 * Asks Redis every few seconds, over the connection that the process works with, whether it takes writes, how fast it
 * answers, and how full it is; of a cluster, how full its fullest node is. Memory is NaN (unknown) while it is silent.
 */
export function observeRedis(redis: Redis, probe: WriteProbe, registry: Registry): { stop(): Promise<void> } {
  const registers = [registry];
  const up = new Gauge({
    name: 'postern_redis_up',
    help: 'Whether Redis takes writes of this process (1) or not (0)',
    registers,
  });
  const seconds = new Histogram({
    name: 'postern_redis_ping_seconds',
    help: 'Time of a PING on the connection that this process works with, every 5 s',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2],
    registers,
  });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const memory = {
    used: gauge('postern_redis_memory_bytes', 'Memory that Redis uses; of a cluster, its fullest node'),
    limit: gauge('postern_redis_memory_limit_bytes', 'maxmemory of that Redis, or its machine’s memory without one'),
  };
  const stopping = new AbortController();

  const answering = <T>(question: Promise<T>) =>
    within(question, PATIENCE_MS, () => new Error('no answer'), stopping.signal);
  const look = async () => {
    const startedMs = monotonicMs();
    const isAnswering = await succeeds(answering(redis.ping()));
    if (isAnswering) seconds.observe((monotonicMs() - startedMs) / 1000);
    up.set(isAnswering && (await succeeds(answering(probe()))) ? 1 : 0);
    // A Redis that answers may yet forbid INFO.
    const { used, limit } = isAnswering ? await answering(readMemory(redis)).catch(() => UNKNOWN) : UNKNOWN;
    memory.used.set(used);
    memory.limit.set(limit);
  };
  const repeat = async () => {
    while (!stopping.signal.aborted) {
      await look();
      await delay(INTERVAL_MS, stopping.signal).catch(() => {});
    }
  };
  const observing = repeat();
  return {
    stop() {
      stopping.abort();
      return observing;
    },
  };
}

const succeeds = (question: Promise<unknown>) =>
  question.then(
    () => true,
    () => false,
  );

async function readMemory(redis: Redis): Promise<{ used: number; limit: number }> {
  const nodes = await Promise.all(toMasters(redis).map(async (node) => toMemory(await node.info('memory'))));
  return nodes.reduce((fullest, node) => (node.used * fullest.limit > fullest.used * node.limit ? node : fullest));
}

function toMemory(info: string): { used: number; limit: number } {
  const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return { used: read('used_memory'), limit: read('maxmemory') || read('total_system_memory') };
}
