import { CONNECTION_STATES, type DeviceConnection, type DevicePace, type DeviceRecord } from '@postern/contract';
import { UnreadableError } from './unreadable.ts';

/** The device that its hash describes; undefined when there is none, or it is being removed. Throws UnreadableError. */
export function toDeviceRecord(deviceId: string, hash: Record<string, string>): DeviceRecord | undefined {
  const { created_at, removed_at, connection, jid, lid, pace } = hash;
  if (created_at === undefined || removed_at !== undefined) return undefined;
  try {
    const createdAt = Number(created_at);
    if (!Number.isFinite(createdAt)) throw new Error('its created_at is no number');
    return {
      device_id: deviceId,
      created_at: createdAt,
      ...(jid === undefined ? {} : { jid }),
      ...(lid === undefined ? {} : { lid }),
      ...(pace === undefined ? {} : { pace: parsePace(pace) }),
      connection: connection === undefined ? { state: 'unpaired', since: createdAt } : parseConnection(connection),
    };
  } catch (error) {
    throw new UnreadableError(`the record of device ${deviceId}`, error);
  }
}

/**
 * The same without what its owner writes anew or an operator can set again, where just that cannot be read; names those
 * fields. Throws UnreadableError.
 */
export function toRepairedDevice(
  deviceId: string,
  hash: Record<string, string>,
): { device: DeviceRecord | undefined; badFields: string[] } {
  const badFields: string[] = [];
  const readable = { ...hash };
  for (const [field, parse] of Object.entries({ connection: parseConnection, pace: parsePace })) {
    try {
      if (hash[field] !== undefined) parse(hash[field]);
    } catch {
      badFields.push(field);
      delete readable[field];
    }
  }
  return { device: toDeviceRecord(deviceId, readable), badFields };
}

function parseConnection(json: string): DeviceConnection {
  const { state, since, ...rest } = JSON.parse(json) as DeviceConnection;
  if (!CONNECTION_STATES.includes(state) || !Number.isFinite(since)) throw new Error('its connection is none');
  return { state, since, ...rest };
}

function parsePace(json: string): DevicePace {
  const { max, window_ms } = JSON.parse(json) as DevicePace;
  if (!Number.isFinite(max) || !Number.isFinite(window_ms)) throw new Error('its pace is none');
  return { max, window_ms };
}
