import { Agent } from 'node:https';
import { delay, within } from '@postern/runtime';
import {
  type AuthenticationCreds,
  BufferJSON,
  type ConnectionState,
  initAuthCreds,
  makeWASocket,
  type SignalDataTypeMap,
  type SignalKeyStore,
  type UserFacingSocketConfig,
  WA_CERT_DETAILS,
  type WASocket,
} from '@whiskeysockets/baileys';
import { pino } from 'pino';
import type { Phone } from './phones/phone.ts';
import type { Simulator } from './simulator-interface.ts';

const OPEN_MS = 15_000;
/** Baileys' limits of a connect, a pre-key upload and a query. It does not clear these timers when a socket ends, which
 * would keep a test alive for a minute. */
const BAILEYS_LIMITS_MS: readonly (number | undefined)[] = [20_000, 30_000, 60_000];

const { setTimeout: startTimer } = globalThis;
globalThis.setTimeout = Object.assign((...[action, ms, ...rest]: Parameters<typeof startTimer>) => {
  const timer = startTimer(action, ms, ...rest);
  return BAILEYS_LIMITS_MS.includes(ms) ? timer.unref() : timer;
}, startTimer);

export interface ClientAuth {
  creds: AuthenticationCreds;
  keys: SignalKeyStore;
}

/** Credentials and keys in memory, serialised as a real store does it. */
export function createClientAuth(creds: AuthenticationCreds = initAuthCreds()): ClientAuth {
  const rows = new Map<string, string>();
  return {
    creds,
    keys: {
      get: <T extends keyof SignalDataTypeMap>(type: T, ids: string[]) => {
        const found: Record<string, SignalDataTypeMap[T]> = {};
        for (const id of ids) {
          const row = rows.get(`${type} ${id}`);
          if (row !== undefined) found[id] = JSON.parse(row, BufferJSON.reviver) as SignalDataTypeMap[T];
        }
        return found;
      },
      set: (changes) => {
        for (const [type, entries] of Object.entries(changes)) {
          for (const [id, value] of Object.entries(entries ?? {})) {
            if (value === null || value === undefined) rows.delete(`${type} ${id}`);
            else rows.set(`${type} ${id}`, JSON.stringify(value, BufferJSON.replacer));
          }
        }
      },
    },
  };
}

/** An unmodified Baileys socket pointed at the simulator. */
export function connectClient(
  simulator: Simulator,
  auth: ClientAuth,
  config: Partial<UserFacingSocketConfig> = {},
): WASocket {
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(simulator.noiseRootKey, 'hex');
  const socket = makeWASocket({
    waWebSocketUrl: simulator.webSocketUrl,
    auth,
    logger: pino({ level: 'silent' }),
    fetchAgent: new Agent({ ca: simulator.mediaCertificatePem }),
    shouldSyncHistoryMessage: () => false,
    emitOwnEvents: false,
    ...config,
  });
  socket.ev.on('creds.update', (update) => Object.assign(auth.creds, update));
  return socket;
}

/** Resolves with the first connection update that matches; rejects after 15 s. */
export function waitForUpdate(
  socket: WASocket,
  match: (update: Partial<ConnectionState>) => boolean,
): Promise<Partial<ConnectionState>> {
  const matched = new Promise<Partial<ConnectionState>>((resolve) => {
    socket.ev.on('connection.update', (update) => {
      if (match(update)) resolve(update);
    });
  });
  return within(matched, OPEN_MS, () => new Error('the connection did not get there in time'));
}

/** Logs a paired client in and waits until the connection is open. */
export async function openClient(
  simulator: Simulator,
  auth: ClientAuth,
  config: Partial<UserFacingSocketConfig> = {},
): Promise<WASocket> {
  const socket = connectClient(simulator, auth, config);
  const { lastDisconnect } = await waitForUpdate(
    socket,
    ({ connection }) => connection === 'open' || connection === 'close',
  );
  if (lastDisconnect) throw lastDisconnect.error ?? new Error('the connection was closed');
  return socket;
}

/** Pairs a new client with the phone by QR, and returns its credentials; its socket was closed by 515. */
export async function pairClient(simulator: Simulator, phone: Phone): Promise<ClientAuth> {
  const auth = createClientAuth();
  const socket = connectClient(simulator, auth);
  const { qr } = await waitForUpdate(socket, ({ qr: text }) => text !== undefined);
  const closed = waitForUpdate(socket, ({ connection }) => connection === 'close');
  await phone.scan(qr ?? '');
  await closed;
  return auth;
}

/** The raw ack of a message: its attributes. Subscribe before sending; rejects after 10 s. */
export function waitForAck(socket: WASocket, id: string): Promise<Record<string, string>> {
  const acked = new Promise<Record<string, string>>((resolve) => {
    socket.ws.on('CB:ack,class:message', ({ attrs }: { attrs: Record<string, string> }) => {
      if (attrs['id'] === id) resolve(attrs);
    });
  });
  return within(acked, 10_000, () => new Error('no ack came'));
}

/** The disconnect code of a closing update (Baileys' `lastDisconnect.error.output.statusCode`). */
export function statusOf({ lastDisconnect }: Partial<ConnectionState>): number | undefined {
  const error = lastDisconnect?.error as { output?: { statusCode?: number } } | undefined;
  return error?.output?.statusCode;
}

/** Waits until the condition holds; rejects after 10 s. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition was not met in time');
    await delay(5);
  }
}
