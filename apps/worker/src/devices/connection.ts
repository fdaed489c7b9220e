import type { ConnectionState, DeviceConnection } from '@postern/contract';
import { backoffMs } from '@postern/runtime';
import type { CloseReason } from '../whatsapp/whatsapp.ts';

/**
 * A device's connection as its owner sees it: a closed union, each state with what is true in it. Times are Unix
 * milliseconds.
 */
export type Connection =
  /** No credentials; nobody is logging in. */
  | { state: 'unpaired'; since: number; reason: string | undefined }
  /** A login runs; the socket shows QRs. `paired` once credentials are stored and WhatsApp wants the restart. */
  | { state: 'pairing'; since: number; paired: boolean }
  /** A socket is being opened with credentials. */
  | { state: 'connecting'; since: number; attempt: number; offlineSince: number; replacedAt: number | undefined }
  | { state: 'connected'; since: number; replacedAt: number | undefined }
  /** No socket; `retryAt` says when the next one is opened, absent: not before somebody asks for it. */
  | {
      state: 'disconnected';
      since: number;
      reason: string;
      attempt: number;
      offlineSince: number;
      replacedAt: number | undefined;
      retryAt: number | undefined;
    }
  /** Unlinked or logged out; its credentials are worthless. */
  | { state: 'logged_out'; since: number; reason: string };

export type ConnectionEvent =
  /** The device has credentials and shall be connected, or is retried or asked to reconnect. */
  | { type: 'connect' }
  | { type: 'login' }
  | { type: 'paired' }
  | { type: 'connected' }
  | { type: 'closed'; reason: CloseReason; detail: string }
  | { type: 'logged_out'; detail: string };

const BACKOFF_BASE_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
/** A socket that replaced ours is given this long before the one retry. */
const REPLACED_RETRY_MS = 15_000;
/** Replaced twice within this time: somebody else uses these credentials; fighting would ping-pong for ever. */
const REPLACED_WINDOW_MS = 10 * 60_000;
const FORBIDDEN_RETRY_MS = 10 * 60_000;

/** The state after an event. Pure; the owner acts on what it finds (a `connecting` or `pairing` state wants a socket). */
export function next(
  current: Connection,
  event: ConnectionEvent,
  now: number,
  random: () => number = Math.random,
): Connection {
  switch (event.type) {
    case 'connect':
      return toConnecting(current, now);
    case 'login':
      return { state: 'pairing', since: now, paired: false };
    case 'paired':
      return { state: 'pairing', since: now, paired: true };
    case 'connected':
      return { state: 'connected', since: now, replacedAt: replacedAt(current) };
    case 'logged_out':
      return { state: 'logged_out', since: now, reason: event.detail };
    case 'closed':
      return afterClose(current, event.reason, event.detail, now, random);
  }
}

function afterClose(
  current: Connection,
  reason: CloseReason,
  detail: string,
  now: number,
  random: () => number,
): Connection {
  if (reason === 'logged_out') return { state: 'logged_out', since: now, reason: detail };
  if (reason === 'restart_required') return toConnecting(current, now);
  if (current.state === 'pairing' && !current.paired) return { state: 'unpaired', since: now, reason: detail };
  if (current.state === 'unpaired' || current.state === 'logged_out') return current;
  if (reason === 'pairing_ended') return { state: 'unpaired', since: now, reason: detail };

  const attempt = (current.state === 'connecting' ? current.attempt : 0) + 1;
  const before = replacedAt(current);
  const lost = {
    state: 'disconnected' as const,
    since: now,
    reason: detail,
    attempt,
    offlineSince: offlineSince(current, now),
    replacedAt: before,
  };
  if (reason === 'replaced') {
    const again = before !== undefined && now - before < REPLACED_WINDOW_MS;
    return { ...lost, replacedAt: now, retryAt: again ? undefined : now + REPLACED_RETRY_MS };
  }
  if (reason === 'forbidden') return { ...lost, retryAt: now + FORBIDDEN_RETRY_MS };
  if (reason === 'closed_by_us') return { ...lost, retryAt: undefined };
  return { ...lost, retryAt: now + backoffMs(attempt, BACKOFF_BASE_MS, BACKOFF_MAX_MS, random) };
}

function toConnecting(current: Connection, now: number): Connection {
  const attempt = current.state === 'disconnected' || current.state === 'connecting' ? current.attempt : 0;
  return {
    state: 'connecting',
    since: now,
    attempt,
    offlineSince: offlineSince(current, now),
    replacedAt: replacedAt(current),
  };
}

function replacedAt(connection: Connection): number | undefined {
  return 'replacedAt' in connection ? connection.replacedAt : undefined;
}

/** Since when nothing can be sent; now, if something could until now. */
function offlineSince(connection: Connection, now: number): number {
  return 'offlineSince' in connection ? connection.offlineSince : now;
}

/** What the registry and the API say of it. */
export function toDeviceConnection(
  connection: Connection,
  extra: { owner: string; lastAckAt: number | undefined; now: number },
): DeviceConnection {
  const state: ConnectionState = connection.state;
  const told: DeviceConnection = { state, since: connection.since, owner: extra.owner };
  if ('reason' in connection && connection.reason !== undefined) told.reason = connection.reason;
  if (extra.lastAckAt !== undefined) told.last_ack_at = extra.lastAckAt;
  if (state === 'connected') told.connected_until = extra.now;
  if ('offlineSince' in connection) told.connected_until = connection.offlineSince;
  return told;
}
