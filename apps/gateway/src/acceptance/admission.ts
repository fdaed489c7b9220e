import { type DeviceConnection, type DeviceRecord, Failure } from '@postern/contract';

/**
 * Throws DEVICE_NOT_CONNECTED for a device that cannot send: not paired, logged out, or offline for longer than the
 * grace. A device that is offline for less is expected back, and its messages wait.
 */
export function assertAdmissible(
  device: DeviceRecord,
  connection: DeviceConnection,
  graceMs: number,
  now = Date.now(),
): void {
  const refuse = (why: string) =>
    new Failure('DEVICE_NOT_CONNECTED', `The device ${device.device_id} ${why}`, {
      details: { device_id: device.device_id, state: connection.state },
    });
  if (connection.state === 'logged_out') throw refuse('is logged out; pair it again');
  if (device.jid === undefined) throw refuse('is not paired with an account');
  if (connection.state === 'connected') return;
  const offlineMs = now - (connection.connected_until ?? connection.since);
  if (offlineMs <= graceMs) return;
  const reason = connection.reason === undefined ? '' : ` (${connection.reason})`;
  throw refuse(`has been offline for ${Math.round(offlineMs / 1000)} s${reason}`);
}
