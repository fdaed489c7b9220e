import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { connectRedis, scanKeys } from '@postern/registry';
import { type Lifetime, withLifetime } from '@postern/runtime';
import { type Phone, type Simulator, type SimulatorOptions, startSimulator } from '@postern/simulator';
import type { Redis } from 'ioredis';
import { type ServiceProcess, startService } from './service-process.ts';
import { waitUntil } from './wait-until.ts';

export interface StackOptions {
  gatewayEnv?: Record<string, string>;
  workerEnv?: Record<string, string>;
  /** How many descriptors each gateway may have. Default: as many as this process. */
  gatewayOpenFiles?: number;
  simulator?: SimulatorOptions;
  /** A Redis or cluster that the caller starts and stops. Default: a server of the stack's own. */
  redisUrl?: string;
}

/** The whole of Postern against a simulated WhatsApp: real Redis, gateway and worker as processes of their own. */
export interface Stack {
  simulator: Simulator;
  /** The newest one; throws when the stack has none of its own. */
  readonly redisServer: LocalRedis;
  redis: Redis;
  gateway: ServiceProcess;
  worker: ServiceProcess;
  /** `http://127.0.0.1:<port>` */
  url: string;
  blobDirectory: string;
  /** Registers a device and links it by QR to a phone of this number. */
  pair(deviceId: string, number: string): Promise<Phone>;
  /** Starts Redis again after its process was killed: with its file, on its port. */
  restartRedis(): Promise<void>;
  startWorker(env?: Record<string, string>, nodeArgs?: readonly string[]): Promise<ServiceProcess>;
  startGateway(env?: Record<string, string>): Promise<ServiceProcess>;
  /** What is kept for messages that have not settled: jobs by list, blobs and temporary files. All zero when quiet. */
  leftovers(deviceId: string): Promise<{ waiting: number; active: number; jobs: number; files: number }>;
  stop(): Promise<void>;
}

export function startStack(options: StackOptions = {}): Promise<Stack> {
  return withLifetime((lifetime) => start(options, lifetime));
}

async function start(options: StackOptions, lifetime: Lifetime): Promise<Stack> {
  const directory = lifetime.use(await mkdtemp(join(tmpdir(), 'postern-e2e-')), (path) =>
    rm(path, { recursive: true, force: true }),
  );
  const redisDirectory = join(directory, 'redis');
  const startRedis = async (port?: number) => {
    const server = await startLocalRedis({ directory: redisDirectory, ...(port === undefined ? {} : { port }) });
    return lifetime.use(server, (running) => running.stop());
  };
  let redisServer = options.redisUrl === undefined ? await startRedis() : undefined;
  const ownRedis = () => {
    if (redisServer === undefined) throw new Error('the Redis of this stack is the caller’s');
    return redisServer;
  };
  const redisUrl = options.redisUrl ?? ownRedis().url;
  const redis = lifetime.use(
    await connectRedis({ url: redisUrl, name: 'test', profile: 'patient', onError: () => {} }),
    (client) => client.disconnect(),
  );
  const simulator = lifetime.use(await startSimulator(options.simulator), (running) => running.stop());
  const blobDirectory = join(directory, 'blobs');
  const env = { REDIS_URL: redisUrl, BLOB_DIR: blobDirectory, METRICS_PORT: '0' };
  const startWorker = async (more: Record<string, string> = {}, nodeArgs: readonly string[] = []) => {
    const own = {
      ...env,
      WA_WEBSOCKET_URL: simulator.webSocketUrl,
      WA_NOISE_ROOT_KEY: simulator.noiseRootKey,
      NODE_EXTRA_CA_CERTS: simulator.mediaCertificatePath,
      URL_ALLOW_PRIVATE: '127.0.0.0/8',
      ...options.workerEnv,
      ...more,
    };
    const worker = await startService('worker', own, 'source', nodeArgs);
    return lifetime.use(worker, (process) => process.stop());
  };
  const startGateway = async (more: Record<string, string> = {}) => {
    const gatewayEnv = { ...env, PORT: '0', URL_ALLOW_PRIVATE: '127.0.0.0/8', ...options.gatewayEnv, ...more };
    const gateway = await startService('gateway', gatewayEnv, 'source', [], options.gatewayOpenFiles);
    return lifetime.use(gateway, (process) => process.stop());
  };
  const [worker, gateway] = await Promise.all([startWorker(), startGateway()]);
  const url = `http://127.0.0.1:${String(gateway.ready['port'])}`;

  return {
    simulator,
    get redisServer() {
      return ownRedis();
    },
    async restartRedis() {
      redisServer = await startRedis(ownRedis().port);
    },
    redis,
    gateway,
    worker,
    url,
    blobDirectory,
    startWorker,
    startGateway,
    async pair(deviceId, number) {
      const phone = simulator.phone(number) ?? simulator.addPhone({ number });
      await expectOk(
        await fetch(`${url}/devices`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ device_id: deviceId }),
        }),
      );
      const login = await expectOk(await fetch(`${url}/devices/${deviceId}/login`));
      await phone.scan(String(login['qr']));
      await waitUntil(`${deviceId} is connected`, async () => {
        const answer = await fetch(`${url}/devices/${deviceId}/status`);
        // On a busy machine a gateway may take its own slowness for that of Redis.
        if (answer.status === 503) return false;
        const status = await expectOk(answer);
        return status['is_connected'] === true && status['is_logged_in'] === true;
      });
      return phone;
    },
    async leftovers(deviceId) {
      const lane = `postern:{${deviceId}}:lane`;
      const jobs: string[] = [];
      for await (const found of scanKeys(redis, `${lane}:3EB0*`)) jobs.push(...found);
      const files = await readdir(blobDirectory, { recursive: true, withFileTypes: true });
      return {
        waiting: await redis.llen(`${lane}:wait`),
        active: await redis.llen(`${lane}:active`),
        jobs: new Set(jobs).size,
        files: files.filter(
          (file) => file.isFile() && /3EB0|tmp|part/.test(join(file.parentPath, file.name).slice(blobDirectory.length)),
        ).length,
      };
    },
    stop: () => lifetime.stop(),
  };
}

async function expectOk(response: Response): Promise<Record<string, unknown>> {
  const body = (await response.json()) as { results?: Record<string, unknown> };
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${JSON.stringify(body)}`);
  return body.results ?? {};
}
