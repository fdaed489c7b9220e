import { join, resolve } from 'node:path';
import { pickPort } from '../processes/pick-port.ts';
import type { Command } from '../processes/run-command.ts';
import type { Environment } from '../processes/service.ts';
import { startGatewayAndWorker } from '../processes/start-gateway-and-worker.ts';
import { startRedis } from '../processes/start-redis.ts';
import { lockDataDirectory } from './data-directory-lock.ts';
import { toDeviceNews } from './device-news.ts';

const DEFAULT_PORT = 3000;

/**
 * Starts Redis, worker and gateway against the real WhatsApp, with everything below DATA_DIR, and tells where the
 * pairing page is. Two at once in one folder are refused. Their logs go to standard output. Needs no internet to start: devices say why
 * they are not connected.
 */
export async function runPostern(
  command: Command,
  environment: Environment,
  say: (text: string) => void,
): Promise<void> {
  const directory = resolve(environment['DATA_DIR'] || '.postern');
  command.lifetime.use(await lockDataDirectory(directory), (lock) => lock.release());
  const port = Number(environment['PORT'] || DEFAULT_PORT);
  const host = environment['HOST'] || '127.0.0.1';
  if (port === 0 || (await pickPort(port, host)) !== port) {
    throw new Error(`PORT: ${port} is taken on ${host}, or no port; set PORT to a free one`);
  }
  const redisUrl = await startRedis(command.lifetime, {
    url: environment['REDIS_URL'],
    directory: join(directory, 'redis'),
    onProgress: say,
  });
  command.signal.throwIfAborted();
  // Both would read the same METRICS_PORT; the worker takes the next one.
  const metricsPort = Number(environment['METRICS_PORT'] || 9100);
  await startGatewayAndWorker(command, {
    environment: { ...environment, DATA_DIR: directory, REDIS_URL: redisUrl },
    workerEnvironment: {},
    port,
    metricsPorts: { gateway: metricsPort, worker: metricsPort === 0 ? 0 : metricsPort + 1 },
    onLine: (_service, line) => {
      process.stdout.write(`${line}\n`);
      const news = toDeviceNews(line);
      if (news !== undefined) say(news);
    },
  });
  say(`\nPostern runs. Link a phone at http://localhost:${port}/  (Ctrl-C stops everything)\n`);
}
