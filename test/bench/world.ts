import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalRedis } from '@postern/local-redis';
import { connectRedis, createKeys } from '@postern/registry';
import { type Lifetime, withLifetime } from '@postern/runtime';
import { type AuthenticationCreds, BufferJSON } from '@whiskeysockets/baileys';
import { untilConnection } from '../support/api.ts';
import { writeLinkedDevice } from '../support/linked-devices.ts';
import { startService } from '../support/service-process.ts';

import type { BaselineQuestion } from './baseline-process.ts';
import { type ChildProgram, startProgram } from './child-program.ts';
import type { GatewayLoad } from './load-process.ts';
import type { Scenario } from './scenarios.ts';
import type { Question, Started } from './simulator-process.ts';

/** Every process of one scenario, started, linked and connected. */
export interface World {
  url: string;
  devices: string[];
  /** Numbers of the devices, in their order. */
  numbers: string[];
  simulator: ChildProgram<Question>;
  load: ChildProgram<GatewayLoad>;
  baseline: ChildProgram<BaselineQuestion> | undefined;
  /** Process ids by role. */
  pids: {
    gateway: number[];
    worker: number[];
    redis: number[];
    simulator: number[];
    load: number[];
    baseline: number[];
  };
  stop(): Promise<void>;
}

export interface WorldOptions {
  recipients: string[];
  /** Node's arguments for gateway and worker, e.g. for a profile. */
  nodeArgs: readonly string[];
}

/** Media of the newest messages only: the simulator is not what is measured. */
const KEPT_PER_PHONE = 2;
const FIRST_DEVICE = 628_700_000_000;
const BASELINE_NUMBER = '628799999999';

export function startWorld(scenario: Scenario, options: WorldOptions): Promise<World> {
  return withLifetime((lifetime) => start(scenario, options, lifetime));
}

async function start(scenario: Scenario, { recipients, nodeArgs }: WorldOptions, lifetime: Lifetime): Promise<World> {
  const { rttMs } = scenario;
  const directory = lifetime.use(await mkdtemp(join(tmpdir(), 'postern-bench-')), (path) =>
    rm(path, { recursive: true, force: true }),
  );
  const server = await startLocalRedis({ directory: join(directory, 'redis') });
  lifetime.use(server, () => server.stop());
  const simulator = startProgram<Question>('simulator-process', [String(rttMs), String(KEPT_PER_PHONE)]);
  lifetime.use(simulator, () => simulator.stop());
  const devices = Array.from({ length: scenario.devices }, (_, index) => `device-${index}`);
  const senders = [...devices.map((_, index) => String(FIRST_DEVICE + index)), BASELINE_NUMBER];
  const started = await simulator.ask<Started>({ ask: 'start', senders, recipients });
  const credentials = started.credentials.map((text) => JSON.parse(text, BufferJSON.reviver) as AuthenticationCreds);

  const redis = await connectRedis({ url: server.url, name: 'bench', profile: 'patient', onError: () => {} });
  for (const [index, deviceId] of devices.entries()) {
    const own = credentials[index];
    if (own) await writeLinkedDevice(redis, createKeys('postern'), deviceId, own);
  }
  redis.disconnect();

  const common = {
    REDIS_URL: server.url,
    BLOB_DIR: join(directory, 'blobs'),
    METRICS_PORT: '0',
    URL_ALLOW_PRIVATE: '127.0.0.0/8',
    LOG_LEVEL: 'info',
  };
  const startWorker = () =>
    startService(
      'worker',
      {
        ...common,
        WA_WEBSOCKET_URL: started.webSocketUrl,
        WA_NOISE_ROOT_KEY: started.noiseRootKey,
        NODE_EXTRA_CA_CERTS: started.certificatePath,
      },
      'built',
      nodeArgs,
    );
  const workers = await Promise.all(Array.from({ length: scenario.workers }, startWorker));
  for (const worker of workers) lifetime.use(worker, () => worker.stop());
  const gateway = await startService('gateway', { ...common, PORT: '0' }, 'built', nodeArgs);
  lifetime.use(gateway, () => gateway.stop());
  const url = `http://127.0.0.1:${String(gateway.ready['port'])}`;
  for (const deviceId of devices) {
    await untilConnection(url, deviceId, 'connected', 60_000);
  }

  const load = startProgram<GatewayLoad>('load-process');
  lifetime.use(load, () => load.stop());
  const baseline = scenario.baseline ? startProgram<BaselineQuestion>('baseline-process') : undefined;
  if (baseline) {
    lifetime.use(baseline, () => baseline.stop());
    const { webSocketUrl, noiseRootKey, certificatePem } = started;
    const own = started.credentials.at(-1) ?? '';
    await baseline.ask({ ask: 'connect', webSocketUrl, noiseRootKey, certificatePem, credentials: own });
  }
  return {
    url,
    devices,
    numbers: senders.slice(0, devices.length),
    simulator,
    load,
    baseline,
    pids: {
      gateway: [gateway.pid],
      worker: workers.map(({ pid }) => pid),
      redis: [server.pid],
      simulator: [simulator.pid],
      load: [load.pid],
      baseline: baseline ? [baseline.pid] : [],
    },
    stop: () => lifetime.stop(),
  };
}
