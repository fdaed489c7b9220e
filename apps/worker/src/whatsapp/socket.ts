import { within } from '@postern/runtime';
import {
  type AuthenticationState,
  Browsers,
  isJidNewsletter,
  isJidStatusBroadcast,
  makeWASocket,
  type SocketConfig,
  type WASocket,
} from '@whiskeysockets/baileys';
import type { BaileysLogger } from './baileys-logger.ts';
import { createSignalRepository } from './signal-repository.ts';

export interface SocketOptions {
  auth: AuthenticationState;
  logger: BaileysLogger;
  webSocketUrl: string | undefined;
  queryTimeoutMs: number;
  keepAliveIntervalMs: number;
  devicesCache: NonNullable<SocketConfig['userDevicesCache']>;
  getMessage: SocketConfig['getMessage'];
  cachedGroupMetadata: SocketConfig['cachedGroupMetadata'];
}

/** A Baileys socket and the WebSocket under it, which Baileys gives up before it is closed. */
export interface OpenSocket {
  sock: WASocket;
  raw: RawSocket | undefined;
}

interface RawSocket {
  readyState: number;
  terminate(): void;
  once(event: 'close', listener: () => void): unknown;
}

const CLOSED = 3;
const TERMINATE_BOUND_MS = 1000;

/** Opens a socket: no history, no presence, no events of our own; the client version is the one Baileys was built with. */
export function openSocket(options: SocketOptions): OpenSocket {
  const sock = makeWASocket({
    auth: options.auth,
    logger: options.logger,
    ...(options.webSocketUrl !== undefined && { waWebSocketUrl: options.webSocketUrl }),
    // Connecting and writing are bounded by our own watchdog and delivery; Baileys would take three stack traces for each
    // frame that it writes.
    connectTimeoutMs: 0,
    defaultQueryTimeoutMs: options.queryTimeoutMs,
    keepAliveIntervalMs: options.keepAliveIntervalMs,
    browser: Browsers.ubuntu('Chrome'),
    emitOwnEvents: false,
    markOnlineOnConnect: false,
    syncFullHistory: false,
    shouldSyncHistoryMessage: () => false,
    shouldIgnoreJid: (jid) => isJidStatusBroadcast(jid) || isJidNewsletter(jid),
    // A commit that fails holds the socket's only lock; the stanza is out already.
    transactionOpts: { maxCommitRetries: 5, delayBetweenTriesMs: 500 },
    userDevicesCache: options.devicesCache,
    getMessage: options.getMessage,
    cachedGroupMetadata: options.cachedGroupMetadata,
    makeSignalRepository: createSignalRepository(options.webSocketUrl === undefined ? 'refused' : 'told'),
  });
  const raw: unknown = Reflect.get(sock.ws, 'socket');
  return { sock, raw: isRawSocket(raw) ? raw : undefined };
}

/**
 * Ends a socket within `boundMs` and about a second: Baileys waits up to 30 s for a half-open link, so the WebSocket is
 * terminated when it does not close in time. Queries that are still waiting fail at once.
 */
export async function closeSocket({ sock, raw }: OpenSocket, boundMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    if (!raw || raw.readyState === CLOSED) resolve();
    else raw.once('close', resolve);
  });
  void sock.end(undefined);
  const overdue = () => new Error('the socket did not close');
  await within(closed, boundMs, overdue).catch(async () => {
    raw?.terminate();
    await within(closed, TERMINATE_BOUND_MS, overdue).catch(() => {});
  });
  // Baileys has taken away the listeners by which a close would end its queries, but not those for errors.
  sock.ws.emit('error', new Error('the connection was closed'));
}

function isRawSocket(value: unknown): value is RawSocket {
  return typeof value === 'object' && value !== null && 'terminate' in value && 'readyState' in value;
}
