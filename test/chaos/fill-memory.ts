import { askRedis } from '@postern/local-redis';
import { delay } from '@postern/runtime';

/** Has these servers be at their limit of memory for a while. */
export async function fillMemory(ports: readonly number[], downMs: number): Promise<void> {
  for (const port of ports) {
    const [, used = '1'] = /used_memory:(\d+)/.exec(await askRedis(port, ['INFO', 'memory'])) ?? [];
    await askRedis(port, ['CONFIG', 'SET', 'maxmemory', used]);
  }
  await delay(downMs);
  for (const port of ports) await askRedis(port, ['CONFIG', 'SET', 'maxmemory', '0']);
}
