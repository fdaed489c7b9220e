import { describeNetworkCause } from './network-cause.ts';
import type { CloseReason } from './whatsapp.ts';

/** How a socket ended, in our words. `code` is the number WhatsApp, HTTP or the network gave, where there was one. */
export interface Close {
  reason: CloseReason;
  code: number | undefined;
  detail: string;
}

/** An end of our own making. */
export function closeAs(reason: CloseReason, detail: string): Close {
  return { reason, code: undefined, detail };
}

/** What the codes of WhatsApp's stream errors and connect failures mean for a session. Everything else is a lost connection. */
const REASONS: Readonly<Record<number, CloseReason>> = {
  401: 'logged_out',
  402: 'forbidden',
  403: 'forbidden',
  406: 'logged_out',
  440: 'replaced',
  515: 'restart_required',
};

const DETAILS: Readonly<Record<number, string>> = {
  401: 'unlinked from the account',
  402: 'the account is temporarily banned',
  403: 'the account is banned or may not connect',
  405: 'WhatsApp refuses this client version',
  406: 'unlinked from the account',
  408: 'the connection timed out',
  409: 'WhatsApp refuses this client',
  411: 'the account has no linked devices feature',
  428: 'the connection was closed',
  440: 'another connection took over',
  500: 'WhatsApp reported an internal error',
  503: 'WhatsApp is unavailable',
  515: 'WhatsApp asks for a new connection',
};

/**
 * Maps what Baileys reports as the end of a connection: an error with `output.statusCode`, a bare number (a WebSocket
 * close code such as 1006), or anything else. `pairing`: nobody was logged in yet.
 */
export function toClose(error: unknown, pairing: boolean): Close {
  const message = error instanceof Error ? error.message : '';
  const code = statusCode(error);
  // An HTTP status of the upgrade, or a network error, told by Baileys in the same field as WhatsApp's own codes.
  if (message.startsWith('WebSocket Error')) {
    const cause: unknown = error instanceof Error ? Reflect.get(error, 'data') : undefined;
    return { reason: 'connection_lost', code, detail: describeNetworkCause(message, cause) };
  }
  if (/certificate/.test(message)) {
    return { reason: 'connection_lost', code, detail: "the server could not prove that it is WhatsApp's" };
  }
  if (pairing && isEndOfPairing(message)) {
    return { reason: 'pairing_ended', code, detail: 'the pairing was not completed' };
  }
  const reason = (code === undefined ? undefined : REASONS[code]) ?? 'connection_lost';
  const detail = (code === undefined ? undefined : DETAILS[code]) ?? 'the connection was lost';
  return { reason, code, detail };
}

/** The errors by which Baileys ends a pairing: its references are used up, or what the phone signed is not valid. */
function isEndOfPairing(message: string): boolean {
  return /^QR refs attempts ended|account signature|pair success node/.test(message);
}

function statusCode(error: unknown): number | undefined {
  if (typeof error === 'number') return error;
  if (typeof error !== 'object' || error === null) return undefined;
  const output: unknown = Reflect.get(error, 'output');
  if (typeof output !== 'object' || output === null) return undefined;
  const code: unknown = Reflect.get(output, 'statusCode');
  return typeof code === 'number' && Number.isFinite(code) ? code : undefined;
}
