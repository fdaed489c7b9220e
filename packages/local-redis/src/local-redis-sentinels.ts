import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { delay } from '@postern/runtime';
import { askRedis } from './ask-redis.ts';
import { dieWithUs } from './die-with-us.ts';
import { freePort } from './free-port.ts';
import { type LocalRedis, startLocalRedis } from './local-redis.ts';
import { findOrInstallRedis } from './redis-binary.ts';
import { terminate, unrefServer, untilAnswering } from './server-process.ts';

export interface LocalRedisSentinelsOptions {
  /** Asked of every client of the servers. Default: none. */
  password?: string;
  /** Asked of every client of the sentinels. Default: none. */
  sentinelPassword?: string;
}

/** A master and a replica, watched by three sentinels that fail over when the master is silent for a second. */
export interface LocalRedisSentinels {
  /** As `connectRedis` takes it. */
  url: string;
  /** The newest process of each server. */
  readonly servers: readonly LocalRedis[];
  /** The index of the server that the sentinels call the master. */
  master(): Promise<number>;
  /** Starts a server whose process was killed: with its file, on its port. */
  restart(index: number): Promise<void>;
  stop(): Promise<void>;
}

const MASTER_NAME = 'postern';
const SENTINELS = 3;
const QUORUM = 2;
const READY_WITHIN_MS = 30_000;

/** Starts real sentinels on free loopback ports. Resolves when they know each other and the replica has everything. */
export async function startLocalRedisSentinels(options: LocalRedisSentinelsOptions = {}): Promise<LocalRedisSentinels> {
  const { password, sentinelPassword } = options;
  const directory = await mkdtemp(join(tmpdir(), 'postern-sentinels-'));
  const servers: LocalRedis[] = [];
  const sentinels: { port: number; process: ChildProcess }[] = [];
  const stop = async () => {
    await Promise.all(sentinels.map((sentinel) => terminate(sentinel.process)));
    await Promise.all(servers.map((server) => server.stop()));
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  const settings = { 'repl-diskless-sync-delay': '0', ...(password === undefined ? {} : { masterauth: password }) };
  const startServer = async (index: number, port?: number) => {
    servers[index] = await startLocalRedis({
      directory: join(directory, `server-${index}`),
      settings,
      ...(password === undefined ? {} : { password }),
      ...(port === undefined ? {} : { port }),
    });
  };
  const askSentinel = (n: number) => askRedis(sentinels[n]?.port ?? 0, ['INFO', 'sentinel'], sentinelPassword);
  const untilReady = async () => {
    const deadline = performance.now() + READY_WITHIN_MS;
    const isReady = async (n: number) =>
      (await askSentinel(n).catch(() => '')).includes(
        `status=ok,address=127.0.0.1:${servers[0]?.port},slaves=1,sentinels=3`,
      );
    while ((await Promise.all(sentinels.map((_, n) => isReady(n)))).includes(false)) {
      if (performance.now() > deadline) throw new Error('the sentinels have not found each other within 30 s');
      await delay(50);
    }
    await askRedis(servers[0]?.port ?? 0, ['WAIT', '1', '1000'], password);
  };
  try {
    await startServer(0);
    const masterPort = servers[0]?.port ?? 0;
    await startServer(1);
    await askRedis(servers[1]?.port ?? 0, ['REPLICAOF', '127.0.0.1', String(masterPort)], password);
    for (let n = 0; n < SENTINELS; n += 1) {
      const folder = join(directory, `sentinel-${n}`);
      sentinels.push(await startSentinel(folder, { masterPort, password, sentinelPassword }));
    }
    await untilReady();
  } catch (error) {
    await stop();
    throw error;
  }
  const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  const query = sentinelPassword === undefined ? '' : `?sentinel_password=${encodeURIComponent(sentinelPassword)}`;
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return {
    url: `redis+sentinel://${credentials}${hosts}/${MASTER_NAME}${query}`,
    servers,
    async master() {
      const [, port] = /address=127\.0\.0\.1:(\d+)/.exec(await askSentinel(0)) ?? [];
      return servers.findIndex((server) => server.port === Number(port));
    },
    restart: (index) => startServer(index, servers[index]?.port),
    stop,
  };
}

async function startSentinel(
  folder: string,
  watched: { masterPort: number; password: string | undefined; sentinelPassword: string | undefined },
): Promise<{ port: number; process: ChildProcess }> {
  const { masterPort, password, sentinelPassword } = watched;
  const port = await freePort();
  const binary = await findOrInstallRedis(() => {});
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir "${folder}"`,
    ...(sentinelPassword === undefined
      ? []
      : [`requirepass "${sentinelPassword}"`, `sentinel sentinel-pass "${sentinelPassword}"`]),
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} ${QUORUM}`,
    `sentinel down-after-milliseconds ${MASTER_NAME} 1000`,
    `sentinel failover-timeout ${MASTER_NAME} 5000`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${MASTER_NAME} "${password}"`]),
  ];
  // A sentinel writes down there what it learns.
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  const process = spawn(binary, [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  dieWithUs(process);
  await untilAnswering(process, port);
  unrefServer(process);
  return { port, process };
}
