/**
 * How many messages with reused media the simulator carries, and what one costs it in CPU.
 *
 *   node --conditions=source test/bench/simulator-throughput.ts [messages]
 *
 * The simulator runs in a process of its own; this one sends with unmodified Baileys sockets: one image of 100 KB is
 * prepared and uploaded once per sender, then relayed to its recipients with 16 messages in flight per sender. Each
 * message is waited for by its ack; in the end every one must have been decrypted, downloaded and compared.
 */
import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { fileURLToPath } from 'node:url';
import {
  type AuthenticationCreds,
  BufferJSON,
  generateMessageIDV2,
  generateWAMessageFromContent,
  makeWASocket,
  prepareWAMessageMedia,
  type proto,
  type SignalDataSet,
  type SignalDataTypeMap,
  WA_CERT_DETAILS,
  type WASocket,
} from '@whiskeysockets/baileys';
import { pino } from 'pino';
import type { Question, Result, Started, Usage } from './simulator-process.ts';

const MESSAGES = Number(process.argv[2] ?? 6_000);
const SENDERS = 2;
const RECIPIENTS = 20;
const IN_FLIGHT = 16;
const IMAGE_BYTES = 100_000;

// libsignal prints sessions with their keys.
console.info = () => {};
console.warn = () => {};

const senders = Array.from({ length: SENDERS }, (_, index) => `62811000000${index}`);
const recipients = Array.from({ length: RECIPIENTS }, (_, index) => `6281200000${String(index).padStart(2, '0')}`);
const child = fork(fileURLToPath(import.meta.resolve('./simulator-process.ts')), {
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
});

async function ask<T>(question: Question): Promise<T> {
  const answered = once(child, 'message');
  child.send(question);
  const [reply] = (await answered) as [T];
  return reply;
}

function createKeys() {
  const rows = new Map<string, unknown>();
  return {
    get: <T extends keyof SignalDataTypeMap>(type: T, ids: string[]) => {
      const found: Record<string, SignalDataTypeMap[T]> = {};
      for (const id of ids) {
        const value = rows.get(`${type} ${id}`);
        if (value !== undefined) found[id] = value as SignalDataTypeMap[T];
      }
      return found;
    },
    set: (changes: SignalDataSet) => {
      for (const [type, entries] of Object.entries(changes)) {
        for (const [id, value] of Object.entries(entries ?? {})) rows.set(`${type} ${id}`, value ?? undefined);
      }
    },
  };
}

async function connect({ webSocketUrl, certificatePem }: Started, credentials: string): Promise<WASocket> {
  const creds = JSON.parse(credentials, BufferJSON.reviver) as AuthenticationCreds;
  const socket = makeWASocket({
    waWebSocketUrl: webSocketUrl,
    auth: { creds, keys: createKeys() },
    logger: pino({ level: 'silent' }),
    fetchAgent: new Agent({ ca: certificatePem, keepAlive: true }),
    shouldSyncHistoryMessage: () => false,
    emitOwnEvents: false,
  });
  await new Promise<void>((resolve, reject) => {
    socket.ev.on('connection.update', ({ connection, lastDisconnect }) => {
      if (connection === 'open') resolve();
      if (connection === 'close') reject(lastDisconnect?.error ?? new Error('the connection was closed'));
    });
  });
  return socket;
}

/** Relays the content to the recipients in turn, `count` messages, and waits for every ack. */
async function send(socket: WASocket, content: proto.IMessage, count: number): Promise<void> {
  const waiting = new Map<string, () => void>();
  const onAck = ({ attrs }: { attrs: Record<string, string> }) => waiting.get(attrs['id'] ?? '')?.();
  socket.ws.on('CB:ack,class:message', onAck);
  let sent = 0;
  const lane = async () => {
    while (sent < count) {
      const to = `${recipients[sent % RECIPIENTS]}@s.whatsapp.net`;
      sent += 1;
      const messageId = generateMessageIDV2(socket.user?.id);
      const acked = new Promise<void>((resolve) => {
        waiting.set(messageId, resolve);
      });
      const message = generateWAMessageFromContent(to, content, { userJid: socket.user?.id ?? '', messageId });
      await socket.relayMessage(to, message.message ?? content, { messageId });
      await acked;
      waiting.delete(messageId);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  socket.ws.off('CB:ack,class:message', onAck);
}

const started = await ask<Started>({ ask: 'start', senders, recipients });
WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(started.noiseRootKey, 'hex');
const sockets = await Promise.all(started.credentials.map((credentials) => connect(started, credentials)));
const image = randomBytes(IMAGE_BYTES);
const media = {
  image,
  jpegThumbnail: randomBytes(800).toString('base64'),
  width: 1_600,
  height: 900,
  mimetype: 'image/jpeg',
};
const contents = await Promise.all(
  sockets.map((socket) => prepareWAMessageMedia(media, { upload: socket.waUploadToServer })),
);
const sendAll = (count: number) =>
  Promise.all(sockets.map((socket, index) => send(socket, contents[index] ?? {}, Math.ceil(count / SENDERS))));

await sendAll(SENDERS * RECIPIENTS * 2);
const before = await ask<Usage>({ ask: 'usage' });
const ownBefore = process.cpuUsage();
const startedAt = performance.now();
await sendAll(MESSAGES);
const seconds = (performance.now() - startedAt) / 1_000;
const own = process.cpuUsage(ownBefore);
const after = await ask<Usage>({ ask: 'usage' });
const sha256 = createHash('sha256').update(image).digest('hex');
const total = MESSAGES + SENDERS * RECIPIENTS * 2;
let result = await ask<Result>({ ask: 'result', sha256 });
while (result.equal + result.wrong < total && performance.now() - startedAt < 120_000) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  result = await ask<Result>({ ask: 'result', sha256 });
}
const settled = await ask<Usage>({ ask: 'usage' });

const serverCpuMs = (settled.cpuMs - before.cpuMs) / MESSAGES;
console.log(
  `messages              ${MESSAGES} (+ ${total - MESSAGES} to warm up), ${SENDERS} senders, ${IN_FLIGHT} in flight each`,
);
console.log(`acked a second        ${(MESSAGES / seconds).toFixed(0)}`);
console.log(
  `simulator CPU         ${serverCpuMs.toFixed(3)} ms a message = ${(1_000 / serverCpuMs).toFixed(0)} a second on one core`,
);
console.log(
  `simulator CPU busy    ${((100 * (after.cpuMs - before.cpuMs)) / seconds / 1_000).toFixed(0)} % of one core; RSS ${after.rssMb.toFixed(0)} MB`,
);
console.log(`Baileys clients' CPU  ${((own.user + own.system) / 1_000 / MESSAGES).toFixed(3)} ms a message`);
console.log(
  `decrypted and equal   ${result.equal} of ${total}; wrong or repeated: ${result.wrong}; acked: ${result.acked}`,
);
if (result.equal !== total || result.acked !== total) process.exitCode = 1;

for (const socket of sockets) await socket.end(undefined);
child.send({ ask: 'stop' } satisfies Question);
await once(child, 'exit');
// Baileys leaves timers of up to a minute behind.
process.exit();
