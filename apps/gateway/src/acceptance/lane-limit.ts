import { Failure } from '@postern/contract';

const RETRY_AFTER_SECONDS = 10;

/** As many messages of the device wait as may. */
export function queueFull(deviceId: string, waiting: number): Failure {
  return new Failure('QUEUE_FULL', `${waiting} messages of this device are waiting already, the most that may`, {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    details: { device_id: deviceId },
  });
}
