import type { Mail } from '@postern/contract';
import type { Logger } from '@postern/runtime';
import type { WorkerMetrics } from '../metrics.ts';

interface HandOverOptions {
  post: (workerId: string, mail: Mail) => Promise<void>;
  deps: { metrics: Pick<WorkerMetrics, 'countLease'> };
  logger: Logger;
}

/** Tells a worker that it may claim a device which was let go for it; who is not told finds it by itself. */
export async function handOver(deviceId: string, toWorker: string, options: HandOverOptions): Promise<void> {
  const { post, deps, logger } = options;
  try {
    await post(toWorker, { type: 'devices_released', device_ids: [deviceId] });
    deps.metrics.countLease('handed_over');
  } catch (error) {
    logger.warn({ err: error, device_id: deviceId }, 'peer not told of a released device');
  }
}
