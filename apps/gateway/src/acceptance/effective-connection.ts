import type { ConnectionState, DeviceConnection, DeviceRecord } from '@postern/contract';

const NEEDS_AN_OWNER: ReadonlySet<ConnectionState> = new Set(['pairing', 'connecting', 'connected']);

/**
 * The connection as it is now: what a worker wrote is only true while that worker owns the device. Without an owner,
 * a device that was connected counts as disconnected since it was last known to be.
 */
export function toEffectiveConnection({ connection, jid }: DeviceRecord, owner: string | undefined): DeviceConnection {
  if (owner !== undefined || !NEEDS_AN_OWNER.has(connection.state)) return connection;
  const { owner: _, ...rest } = connection;
  return {
    ...rest,
    state: jid === undefined ? 'unpaired' : 'disconnected',
    since: connection.connected_until ?? connection.since,
    reason: 'no worker owns this device at the moment',
  };
}
