import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { DeviceConnection } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { openLaneQueue } from '@postern/queue';
import { connectRedis, createDevices, createKeys, createMessages, type Keys } from '@postern/registry';
import { createLogger, withLifetime } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { readConfig } from '../config.ts';
import { type Gateway, startGateway } from '../gateway.ts';

export interface GatewayUnderTest {
  gateway: Gateway;
  url: string;
  /** The URL of another gateway on the same Redis and blob directory, with the same settings but these. */
  startPeer(variables?: Record<string, string>): Promise<string>;
  /** What the gateways logged so far, one line each. */
  logLines(): string[];
  server: LocalRedis;
  redis: Redis;
  keys: Keys;
  /** Registers a device whose connection a worker called `worker-1` wrote; by default it is connected. */
  addDevice(deviceId: string, connection?: Partial<DeviceConnection>, jid?: string | null): Promise<void>;
  /** Ids of the blobs and temporary files that the store holds. */
  storedFiles(): Promise<string[]>;
  /** How many jobs of the device wait or are in hand. */
  laneSize(deviceId: string): Promise<number>;
  /** Resolves when nothing of the device waits or is in hand; fails after 5 s. */
  untilLaneIsEmpty(deviceId: string): Promise<void>;
  messages: ReturnType<typeof createMessages>;
  /** Where the blob store is. */
  directory: string;
  /** Forgets every device, message and blob. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** A gateway in this process, on a Redis and a blob directory of its own. */
export function startGatewayUnderTest(variables: Record<string, string> = {}): Promise<GatewayUnderTest> {
  return withLifetime(async (lifetime) => {
    const server = lifetime.use(await startLocalRedis(), (started) => started.stop());
    const directory = await mkdtemp(join(tmpdir(), 'postern-gateway-'));
    lifetime.use(directory, (path) => rm(path, { recursive: true, force: true }));
    const log = new PassThrough();
    let logged = '';
    log.on('data', (chunk: Buffer) => {
      logged += chunk.toString();
    });
    const environment = {
      REDIS_URL: server.url,
      REDIS_PREFIX: 'test',
      BLOB_DIR: directory,
      PORT: '0',
      METRICS_PORT: '0',
      ...variables,
    };
    const logger = createLogger({ name: 'gateway', level: 'debug', destination: log });
    const start = async (more: Record<string, string> = {}) =>
      lifetime.use(await startGateway(readConfig({ ...environment, ...more }), logger), (started) => started.stop());
    const gateway = await start();
    const keys = createKeys('test');
    const connecting = connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
    const redis = lifetime.use(await connecting, (connected) => connected.disconnect());
    const filesIn = (folder: string) => readdir(join(directory, folder));
    const laneSize = async (deviceId: string) => {
      const queue = await openLaneQueue(redis, keys, deviceId);
      const count = await queue.getJobCountByTypes('wait', 'active', 'delayed', 'prioritized', 'failed');
      await queue.close();
      return count;
    };
    return {
      gateway,
      url: `http://127.0.0.1:${gateway.port}`,
      startPeer: async (more) => `http://127.0.0.1:${(await start(more)).port}`,
      logLines: () => logged.split('\n').filter((line) => line !== ''),
      server,
      redis,
      keys,
      messages: createMessages(redis, keys, { recordTtlMs: 60_000 }),
      async addDevice(deviceId, connection = {}, jid = `62811${deviceId.length}00000:7@s.whatsapp.net`) {
        await createDevices(redis, keys).create(deviceId);
        const own = keys.device(deviceId);
        const now = Date.now();
        const written: DeviceConnection = { state: 'connected', since: now, connected_until: now, ...connection };
        await redis.hset(own.record, 'connection', JSON.stringify(written), ...(jid === null ? [] : ['jid', jid]));
        if (jid !== null) await redis.hset(keys.jids, jid, deviceId, jid.replace(/:\d+@/, '@'), deviceId);
        await redis.set(own.lease, 'worker-1#1');
      },
      storedFiles: async () =>
        [...(await filesIn('blobs')), ...(await filesIn('incoming'))].filter((name) => !name.startsWith('probe.')),
      laneSize,
      async untilLaneIsEmpty(deviceId) {
        const deadline = Date.now() + 5_000;
        for (let size = -1; size !== 0; size = await laneSize(deviceId)) {
          if (Date.now() > deadline) throw new Error(`${size} messages stay in the lane of ${deviceId}`);
        }
      },
      directory,
      async reset() {
        await redis.flushall();
        for (const id of await filesIn('blobs')) await rm(join(directory, 'blobs', id));
      },
      stop: () => lifetime.stop(),
    };
  });
}
