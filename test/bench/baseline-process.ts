import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { within } from '@postern/runtime';
import {
  type AuthenticationCreds,
  BufferJSON,
  generateMessageIDV2,
  makeWASocket,
  WA_CERT_DETAILS,
  type WASocket,
} from '@whiskeysockets/baileys';
import { pino } from 'pino';
import { createKeyStore } from '../support/baileys-reader.ts';
import { answerQuestions } from './child-program.ts';
import { numberPicture } from './numbered-picture.ts';
import { type LoadShape, runLoad } from './run-load.ts';

/** What to send with bare Baileys, over a socket that is opened by the first question. */
export type BaselineQuestion =
  | { ask: 'connect'; webSocketUrl: string; noiseRootKey: string; certificatePem: string; credentials: string }
  | ({ ask: 'send'; recipients: string[]; picture: string; firstNumber?: number | undefined } & LoadShape);

const ACK_MS = 30_000;
const waiting = new Map<string, () => void>();
let socket: WASocket | undefined;

// libsignal prints sessions with their keys.
console.info = () => {};
console.warn = () => {};

answerQuestions(async (question: BaselineQuestion) => {
  if (question.ask === 'connect') {
    socket = await connect(question);
    return true;
  }
  const picture = readFileSync(question.picture);
  const { recipients, firstNumber } = question;
  return await runLoad(question, async (index) => {
    const image = firstNumber === undefined ? picture : numberPicture(picture, firstNumber + index);
    await send(`${recipients[index % recipients.length]}@s.whatsapp.net`, image, `number ${index}`);
  });
});

async function send(jid: string, image: Buffer, caption: string): Promise<void> {
  if (!socket) throw new Error('not connected');
  const messageId = generateMessageIDV2(socket.user?.id);
  const acked = new Promise<void>((resolve) => {
    waiting.set(messageId, resolve);
  });
  try {
    await socket.sendMessage(jid, { image, caption }, { messageId });
    await within(acked, ACK_MS, () => new Error('no ack'));
  } finally {
    waiting.delete(messageId);
  }
}

async function connect(question: Extract<BaselineQuestion, { ask: 'connect' }>): Promise<WASocket> {
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(question.noiseRootKey, 'hex');
  const creds = JSON.parse(question.credentials, BufferJSON.reviver) as AuthenticationCreds;
  const opened = makeWASocket({
    waWebSocketUrl: question.webSocketUrl,
    auth: { creds, keys: createKeyStore() },
    logger: pino({ level: 'silent' }),
    fetchAgent: new Agent({ ca: question.certificatePem, keepAlive: true }),
    shouldSyncHistoryMessage: () => false,
    emitOwnEvents: false,
  });
  opened.ws.on('CB:ack,class:message', ({ attrs }: { attrs: Record<string, string> }) => {
    waiting.get(attrs['id'] ?? '')?.();
  });
  await new Promise<void>((resolve, reject) => {
    opened.ev.on('connection.update', ({ connection, lastDisconnect }) => {
      if (connection === 'open') resolve();
      if (connection === 'close') reject(lastDisconnect?.error ?? new Error('the connection was closed'));
    });
  });
  return opened;
}
