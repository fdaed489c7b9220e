/** The states of a device's connection, as the API's `connection.state` says them. */
export const CONNECTION_STATES = [
  'unpaired',
  'pairing',
  'connecting',
  'connected',
  'disconnected',
  'logged_out',
] as const;
export type ConnectionState = (typeof CONNECTION_STATES)[number];

/** How often the owner of a connected device moves its `connected_until` on, in milliseconds. */
export const CONNECTED_NEWS_MS = 15_000;

/** A device's connection as its owner last wrote it. Times are Unix milliseconds. */
export interface DeviceConnection {
  state: ConnectionState;
  since: number;
  /** The worker that wrote it. */
  owner?: string;
  /** Why it is not connected, for people. */
  reason?: string;
  last_ack_at?: number;
  /** When it was last known to be connected; tells how long a device has been offline. */
  connected_until?: number;
}

/** How fast a device may send: at most `max` messages within any `window_ms`; 0 is no limit. */
export interface DevicePace {
  max: number;
  window_ms: number;
}

/** A linked WhatsApp account (or one to be linked) that Postern sends through. */
export interface DeviceRecord {
  device_id: string;
  created_at: number;
  /** The account's JID with its device number, e.g. `628…:12@s.whatsapp.net`; absent until paired. */
  jid?: string;
  lid?: string;
  /** The device's own pace; absent: the worker's default. */
  pace?: DevicePace;
  connection: DeviceConnection;
}

const DEVICE_ID = /^[A-Za-z0-9._@-]{1,64}$/;

/** A path segment that URLs drop: such a device could not be addressed again. */
const DOTS = /^\.{1,2}$/;
/** The address of an account: a device of this name would stand in for the one that is linked to it. */
const JID = /@(?:s\.whatsapp\.net|c\.us|lid|g\.us)$/i;

/** Whether a device may be registered under this id. */
export function isDeviceId(text: string): boolean {
  return DEVICE_ID.test(text) && !DOTS.test(text) && !JID.test(text);
}
