import { startLocalRedisCluster } from '@postern/local-redis';
import { delay } from '@postern/runtime';
import { freezeProcess } from '../support/freeze-process.ts';
import { fillMemory } from './fill-memory.ts';
import type { RedisHost } from './redis-host.ts';

/** Three masters, none of which has a replica; they are struck in turn. */
export async function startRedisCluster(): Promise<RedisHost> {
  const cluster = await startLocalRedisCluster();
  let struck = 0;
  const next = () => {
    struck += 1;
    return struck % cluster.nodes.length;
  };
  const pidOf = (index: number) => cluster.nodes[index]?.pid ?? 0;
  const kill = async (indexes: number[], downMs: number) => {
    for (const index of indexes) process.kill(pidOf(index), 'SIGKILL');
    await delay(downMs);
    await cluster.restart(...indexes);
  };
  const impossible = () => {
    throw new Error('not of a cluster');
  };
  return {
    url: cluster.url,
    kill: (downMs) => kill([next()], downMs),
    takeAway: (downMs) => kill([...cluster.nodes.keys()], downMs),
    async freeze(downMs) {
      const resume = freezeProcess(pidOf(next()));
      await delay(downMs);
      resume();
      await cluster.untilWhole();
    },
    fill: (downMs) =>
      fillMemory(
        cluster.nodes.map(({ port }) => port),
        downMs,
      ),
    cutSilently: impossible,
    demote: impossible,
    stop: () => cluster.stop(),
  };
}
