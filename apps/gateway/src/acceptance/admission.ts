import { type DeviceConnection, type DeviceRecord, Failure } from '@postern/contract';
import type { RedisClock } from '@postern/registry';

/**
 * Throws DEVICE_NOT_CONNECTED for a device that cannot send: not paired, logged out, or offline for longer than the
 * grace. A device that is offline for less is expected back, and its messages wait. While Redis is away, and right after,
 * nobody can say that a device is there: `redisClock` leaves that time out.
 */
export function assertAdmissible(
  device: DeviceRecord,
  connection: DeviceConnection,
  graceMs: number,
  redisClock: Pick<RedisClock, 'servedSince'>,
): void {
  const refuse = (why: string) =>
    new Failure('DEVICE_NOT_CONNECTED', `The device ${device.device_id} ${why}`, {
      details: { device_id: device.device_id, state: connection.state },
    });
  if (connection.state === 'logged_out') throw refuse('is logged out; pair it again');
  if (device.jid === undefined) throw refuse('is not paired with an account');
  if (connection.state === 'connected') return;
  const offlineMs = redisClock.servedSince(connection.connected_until ?? connection.since);
  if (offlineMs <= graceMs) return;
  const reason = connection.reason === undefined ? '' : ` (${connection.reason})`;
  throw refuse(`has been offline for ${Math.round(offlineMs / 1000)} s${reason}`);
}
