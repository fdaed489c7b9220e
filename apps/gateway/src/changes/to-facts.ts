import type { LaneStatus } from '@postern/queue';
import { maskNumber } from '@postern/runtime';
import { toEffectiveConnection } from '../acceptance/effective-connection.ts';
import { toDeviceView } from '../devices/device-view.ts';
import { toLaneView } from '../lanes/lane-view.ts';
import { toMessageView } from '../outcomes/message-view.ts';
import type { RecentMessage } from './recent-messages.ts';

/** What is true of one device, lane or message, as the event stream tells it: as the API shows it, with numbers masked. */
export interface Fact {
  /** Names what it is about: a later fact with the same key takes its place. */
  key: string;
  deviceId: string;
  event: 'device' | 'device_removed' | 'lane' | 'message';
  data: object;
  /** Differs when something changed that is worth telling. */
  text: string;
}

export function toDeviceFact({ device, owner }: LaneStatus): Fact {
  const { jid, phone_number, lid, connection, ...rest } = toDeviceView(device, toEffectiveConnection(device, owner));
  const data = {
    ...rest,
    ...masked({ jid, phone_number, lid }),
    connection: { ...connection, ...masked({ reason: connection.reason }) },
  };
  return toFact('device', device.device_id, device.device_id, data);
}

export function toLaneFact(status: LaneStatus): Fact {
  const { last_error, ...view } = toLaneView(status);
  const data = {
    ...view,
    ...(last_error === undefined ? {} : { last_error: { ...last_error, ...masked({ message: last_error.message }) } }),
  };
  // Growing older is no news.
  const { oldest_age_seconds: _, ...told } = data;
  return { ...toFact('lane', view.device_id, view.device_id, data), text: JSON.stringify(told) };
}

export function toMessageFact({ record, retryUntil }: RecentMessage): Fact {
  const { phone, error, ...view } = toMessageView(record, retryUntil);
  const data = {
    ...view,
    ...masked({ phone }),
    ...(error === undefined ? {} : { error: { code: error.code, ...masked({ message: error.message }) } }),
  };
  return toFact('message', record.message_id, record.device_id, data);
}

function toFact(event: Fact['event'], id: string, deviceId: string, data: object): Fact {
  return { key: `${event} ${id}`, deviceId, event, data, text: JSON.stringify(data) };
}

function masked(fields: Record<string, string | undefined>): Record<string, string> {
  const entries = Object.entries(fields).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, maskNumber(text)] as const],
  );
  return Object.fromEntries(entries);
}
