import { monotonicMs } from '@postern/runtime';
import { pickPort } from '../processes/pick-port.ts';
import type { Command } from '../processes/run-command.ts';
import type { Environment } from '../processes/service.ts';
import { startGatewayAndWorker } from '../processes/start-gateway-and-worker.ts';
import { startRedis } from '../processes/start-redis.ts';
import { createRunDirectory, createRunPrefix } from './demo-state.ts';
import { createGatewayClient } from './gateway-client.ts';
import { createPhones } from './phones.ts';
import type { Progress } from './progress.ts';
import { type Proof, toProof } from './proof.ts';
import { DEVICE_ID, RECIPIENT, readSample, SENDER } from './sample.ts';
import { ServiceLog } from './service-log.ts';
import { startSimulatorProcess } from './simulator-process.ts';

export interface DemoResult {
  proof: Proof;
  gatewayUrl: string;
  /** The phones' screens. */
  phonesUrl: string;
  samplePath: string;
}

const DEFAULT_PORT = 3000;

/**
 * Starts Redis, a simulated WhatsApp, worker and gateway, links a device by its QR, makes the documented request and
 * compares what the phone shows with what was posted. Everything runs on until the command's lifetime ends.
 */
export async function runDemo(command: Command, environment: Environment, progress: Progress): Promise<DemoResult> {
  const { lifetime, signal } = command;
  const directory = await createRunDirectory(lifetime, environment['DATA_DIR'] || '.postern/demo');
  const redisUrl = await startRedis(lifetime, {
    url: environment['REDIS_URL'],
    directory: `${directory}/redis`,
    onProgress: progress,
  });
  const prefix = createRunPrefix(lifetime, environment['REDIS_URL']);
  signal.throwIfAborted();
  const simulator = await startSimulatorProcess(command, environment);
  progress('A simulated WhatsApp runs, with two phones');

  const port = await pickGatewayPort(environment, progress);
  const log = new ServiceLog(progress);
  await startGatewayAndWorker(command, {
    environment: { ...environment, ...toSettings(directory), REDIS_URL: redisUrl, REDIS_PREFIX: prefix },
    workerEnvironment: simulator.workerEnvironment,
    port,
    metricsPorts: { gateway: 0, worker: 0 },
    onLine: (service, line) => log.read(service, line),
  });
  const gatewayUrl = `http://localhost:${port}`;
  progress(`Worker and gateway run, the gateway on ${gatewayUrl}`);

  const gateway = createGatewayClient(`http://127.0.0.1:${port}`, signal);
  const phones = createPhones(simulator.controlUrl, signal);
  await gateway.addDevice();
  await phones.scan(SENDER, await gateway.readQr());
  progress(`The phone +${SENDER} has scanned the QR of ${DEVICE_ID}`);
  await gateway.untilLoggedIn(60_000);
  progress(`${DEVICE_ID} is logged in; sending the sample photo`);

  const sample = await readSample();
  const postedAt = monotonicMs();
  const messageId = await gateway.sendSample(sample);
  const { message, bytes } = await phones.waitForPicture(RECIPIENT, messageId, 30_000);
  const elapsedMs = monotonicMs() - postedAt;
  const sha256Sent = await log.sentSha256(messageId, 5_000);
  const proof = toProof({ messageId, sample, sha256Sent, message, bytes, elapsedMs });
  return { proof, gatewayUrl, phonesUrl: simulator.controlUrl, samplePath: sample.path };
}

/** The demo is open to this machine only, needs no key, and its worker must say what it sent. */
function toSettings(directory: string): Environment {
  const noCredentials = { API_KEYS: '', API_KEYS_FILE: '', BASIC_AUTH: '' };
  return {
    ...noCredentials,
    HOST: '127.0.0.1',
    BLOB_DIR: `${directory}/blobs`,
    DATA_DIR: directory,
    LOG_LEVEL: 'info',
  };
}

async function pickGatewayPort(environment: Environment, progress: Progress): Promise<number> {
  const wanted = Number(environment['PORT'] || DEFAULT_PORT);
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65_535) throw new Error('PORT: expected 0 to 65535');
  const port = await pickPort(wanted);
  if (port !== wanted && wanted !== 0) progress(`Port ${wanted} is taken; the gateway uses ${port} instead`);
  return port;
}
