import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askRedis, type LocalRedis, startLocalRedis, startRedisRelay } from '@postern/local-redis';
import { delay, withLifetime } from '@postern/runtime';
import { freezeProcess } from '../support/freeze-process.ts';
import { waitUntil } from '../support/wait-until.ts';
import { fillMemory } from './fill-memory.ts';
import type { RedisHost } from './redis-host.ts';

/** How long the address goes on leading to the old master after the replica has taken over. */
const ADDRESS_LAGS_MS = 500;
const SYNC_MS = 30_000;

/** One server behind one address. */
export function startSingleRedis(): Promise<RedisHost> {
  return withLifetime(async (lifetime) => {
    const directory = lifetime.use(await mkdtemp(join(tmpdir(), 'postern-chaos-redis-')), (path) =>
      rm(path, { recursive: true, force: true, maxRetries: 5 }),
    );
    let generation = 0;
    const start = async (port?: number): Promise<LocalRedis> => {
      const own = join(directory, String(generation));
      const server = await startLocalRedis({ directory: own, ...(port === undefined ? {} : { port }) });
      return lifetime.use(server, (running) => running.stop());
    };
    let server = await start();
    const relay = lifetime.use(await startRedisRelay(server.port), (running) => running.stop());
    const kill = async (downMs: number) => {
      process.kill(server.pid, 'SIGKILL');
      await delay(downMs);
      server = await start(server.port);
    };
    return {
      url: relay.url,
      kill,
      takeAway: kill,
      async freeze(downMs) {
        const resume = freezeProcess(server.pid);
        await delay(downMs);
        resume();
      },
      fill: (downMs) => fillMemory([server.port], downMs),
      cutSilently: () => relay.cutSilently(),
      async demote(downMs) {
        const master = server;
        generation += 1;
        const replica = await start();
        await askRedis(replica.port, ['REPLICAOF', '127.0.0.1', String(master.port)]);
        const says = (line: string) => async () =>
          (await askRedis(replica.port, ['INFO', 'replication'])).includes(line);
        await waitUntil('the replica has everything', says('master_link_status:up'), SYNC_MS);
        // It promotes the replica only when that has received every write.
        await askRedis(master.port, ['FAILOVER', 'TO', '127.0.0.1', String(replica.port)]);
        await waitUntil('the replica is the master', says('role:master'), SYNC_MS);
        await delay(ADDRESS_LAGS_MS);
        relay.pointTo(replica.port);
        server = replica;
        await delay(downMs);
        await master.stop();
      },
      stop: () => lifetime.stop(),
    };
  });
}
