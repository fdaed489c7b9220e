import { within } from '@postern/runtime';
import type { Simulator } from '@postern/simulator';
import {
  makeWASocket,
  normalizeMessageContent,
  type proto,
  type SignalDataTypeMap,
  type SignalKeyStore,
  WA_CERT_DETAILS,
  type WAMessage,
  type WASocket,
} from '@whiskeysockets/baileys';
import { pino } from 'pino';
import { waitUntil } from './wait-until.ts';

const OPEN_MS = 15_000;
/** Baileys' limits of a connect, a pre-key upload and a query; it leaves such timers behind when a socket ends. */
const LEFT_BEHIND_MS: readonly (number | undefined)[] = [20_000, 30_000, 60_000];

/** A device linked to a simulated phone that is an unmodified Baileys socket, as another program's would be. */
export interface BaileysReader {
  /** A message as Baileys decrypted it; rejects when it does not come. */
  waitFor(messageId: string): Promise<WAMessage>;
  stop(): Promise<void>;
}

/** Links a Baileys socket to the phone of this number and logs it in. */
export async function startBaileysReader(simulator: Simulator, number: string): Promise<BaileysReader> {
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(simulator.noiseRootKey, 'hex');
  letProcessEnd();
  const creds = simulator.issueCredentials(number);
  const socket = makeWASocket({
    waWebSocketUrl: simulator.webSocketUrl,
    auth: { creds, keys: createKeyStore() },
    logger: pino({ level: 'silent' }),
    shouldSyncHistoryMessage: () => false,
    emitOwnEvents: false,
  });
  socket.ev.on('creds.update', (update) => Object.assign(creds, update));
  const received: WAMessage[] = [];
  socket.ev.on('messages.upsert', ({ messages }) => received.push(...messages));
  await within(opened(socket), OPEN_MS, () => new Error('Baileys did not log in'));
  return {
    waitFor: (messageId) =>
      waitUntil('the message reaches Baileys', () =>
        received.find(({ key, message }) => key.id === messageId && message),
      ),
    async stop() {
      await socket.end(undefined);
    },
  };
}

/** The image of a message as Baileys decrypted it, out of its wrappers. */
export function imageOf({ message }: WAMessage): proto.Message.IImageMessage {
  return normalizeMessageContent(message)?.imageMessage ?? {};
}

function opened(socket: WASocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.ev.on('connection.update', ({ connection, lastDisconnect }) => {
      if (connection === 'open') resolve();
      if (connection === 'close') reject(lastDisconnect?.error ?? new Error('closed'));
    });
  });
}

/** Signal keys in memory, as Baileys hands them over. */
export function createKeyStore(): SignalKeyStore {
  const rows = new Map<string, unknown>();
  return {
    get: <T extends keyof SignalDataTypeMap>(type: T, ids: string[]) => {
      const found = ids.flatMap((id) => {
        const row = rows.get(`${type} ${id}`);
        return row === undefined ? [] : [[id, row] as const];
      });
      return Object.fromEntries(found) as Record<string, SignalDataTypeMap[T]>;
    },
    set: (changes) => {
      for (const [type, entries] of Object.entries(changes)) {
        for (const [id, value] of Object.entries(entries ?? {})) rows.set(`${type} ${id}`, value ?? undefined);
      }
    },
  };
}

let isReleased = false;

function letProcessEnd(): void {
  if (isReleased) return;
  isReleased = true;
  const { setTimeout: original } = globalThis;
  const released = (...[action, ms, ...rest]: Parameters<typeof original>) => {
    const timer = original(action, ms, ...rest);
    return LEFT_BEHIND_MS.includes(ms) ? timer.unref() : timer;
  };
  globalThis.setTimeout = Object.assign(released, original);
}
