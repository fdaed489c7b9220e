import type { DeviceConnection, DeviceRecord } from '@postern/contract';

/** The words that GoWA's clients know for a device's state. */
type GowaState = 'disconnected' | 'connecting' | 'connected' | 'logged_in';

/** A device as the API shows it; times are ISO 8601 in UTC. */
export function toDeviceView(device: DeviceRecord, connection: DeviceConnection) {
  const { device_id, jid, lid, pace, created_at } = device;
  return {
    id: device_id,
    device_id,
    display_name: device_id,
    state: toGowaState(connection),
    ...(jid === undefined ? {} : { jid, phone_number: jid.replace(/[:@].*$/, '') }),
    ...(lid === undefined ? {} : { lid }),
    ...(pace === undefined ? {} : { pace }),
    created_at: new Date(created_at).toISOString(),
    connection: toConnectionView(connection),
  };
}

/** What `GET /devices/{id}/status` answers. */
export function toStatusView(device: DeviceRecord, connection: DeviceConnection) {
  return {
    device_id: device.device_id,
    is_connected: connection.state === 'connected' || connection.state === 'pairing',
    is_logged_in: connection.state === 'connected' && device.jid !== undefined,
    state: toGowaState(connection),
    connection: toConnectionView(connection),
  };
}

/** One of GoWA's `GET /app/devices`; `jid` is empty until an account is linked. */
export function toDeviceListEntry({ device_id, jid = '' }: DeviceRecord) {
  return { name: device_id, device: device_id, jid };
}

/** `connected` without an account is what a device is while it waits to be scanned. */
function toGowaState({ state }: DeviceConnection): GowaState {
  switch (state) {
    case 'connected':
      return 'logged_in';
    case 'pairing':
      return 'connected';
    case 'connecting':
      return 'connecting';
    case 'unpaired':
    case 'disconnected':
    case 'logged_out':
      return 'disconnected';
  }
}

function toConnectionView({ state, since, owner, reason, last_ack_at }: DeviceConnection) {
  return {
    state,
    since: new Date(since).toISOString(),
    ...(owner === undefined ? {} : { owner }),
    ...(reason === undefined ? {} : { reason }),
    ...(last_ack_at === undefined ? {} : { last_ack_at: new Date(last_ack_at).toISOString() }),
  };
}
