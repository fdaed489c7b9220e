import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { globalAgent } from 'node:https';
import type { TestContext } from 'node:test';
import { rootCertificates } from 'node:tls';
import { newMessageId, parseRecipient } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { connectRedis, createKeys, type Keys } from '@postern/registry';
import { createLogger, type Logger, within } from '@postern/runtime';
import { type Phone, type Simulator, type SimulatorOptions, startSimulator } from '@postern/simulator';
import type { Redis } from 'ioredis';
import { type BaileysOptions, createBaileys } from './baileys.ts';
import type {
  OutgoingImage,
  OutgoingMessage,
  Route,
  Session,
  SessionEvent,
  UploadedImage,
  WhatsApp,
} from './whatsapp.ts';

export const LEASE_TOKEN = 'worker-test#1';
const DEVICE_ID = 'device-1';

/** A simulated WhatsApp with two phones, a private Redis, and Baileys between them. */
export interface Bench {
  simulator: Simulator;
  redis: Redis;
  server: LocalRedis;
  keys: Keys;
  whatsapp: WhatsApp;
  /** The phone the device is linked to. */
  own: Phone;
  friend: Phone;
  open(deviceId?: string, whatsapp?: WhatsApp): OpenedSession;
  /** Another worker's Baileys on the same Redis. */
  createWhatsApp(options?: Partial<BaileysOptions>): WhatsApp;
}

export interface OpenedSession {
  session: Session;
  events: SessionEvent[];
  /** Resolves with the first event of this type, past or future. */
  until<T extends SessionEvent['type']>(type: T, timeoutMs?: number): Promise<Extract<SessionEvent, { type: T }>>;
}

export type BenchOptions = Partial<Omit<BaileysOptions, 'redis' | 'keys'>> & {
  simulator?: SimulatorOptions;
  companions?: number;
};

export async function startBench(t: TestContext, options: BenchOptions = {}): Promise<Bench> {
  const { simulator: simulatorOptions, companions = 0, ...baileys } = options;
  const server = await startLocalRedis();
  const redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
  const simulator = await startSimulator(simulatorOptions);
  const opened: Session[] = [];
  t.after(async () => {
    await Promise.all(opened.map((session) => session.close()));
    await simulator.stop();
    redis.disconnect();
    await server.stop();
  });
  globalAgent.options.ca = [...rootCertificates, simulator.mediaCertificatePem];
  const keys = createKeys('t');
  const createWhatsApp = (more: Partial<BaileysOptions> = {}) =>
    createBaileys({
      redis,
      keys,
      logger: silentLogger(),
      webSocketUrl: simulator.webSocketUrl,
      noiseRootKey: simulator.noiseRootKey,
      connectTimeoutMs: 10_000,
      queryTimeoutMs: 5000,
      ackTimeoutMs: 5000,
      uploadTimeoutMs: 10_000,
      ...baileys,
      ...more,
    });
  const whatsapp = createWhatsApp();
  const own = simulator.addPhone({ number: '6281100000001', name: 'Own' });
  const friend = simulator.addPhone({ number: '6281100000002', name: 'Friend', companions });
  await redis.set(keys.device(DEVICE_ID).lastHolder, LEASE_TOKEN);
  const open = (deviceId = DEVICE_ID, by = whatsapp) => {
    const result = openSession(by, deviceId);
    opened.push(result.session);
    return result;
  };
  return { simulator, redis, server, keys, whatsapp, own, friend, open, createWhatsApp };
}

function openSession(whatsapp: WhatsApp, deviceId: string): OpenedSession {
  const events: SessionEvent[] = [];
  const watchers = new Set<() => void>();
  const onEvent = (event: SessionEvent) => {
    events.push(event);
    for (const watcher of watchers) watcher();
  };
  const session = whatsapp.open({ deviceId, leaseToken: LEASE_TOKEN, onEvent });
  return {
    session,
    events,
    until: async (type, timeoutMs = 10_000) => {
      type Wanted = Extract<SessionEvent, { type: typeof type }>;
      let watcher = (): void => {};
      const found = new Promise<Wanted>((resolve) => {
        watcher = () => {
          const event = events.find((candidate): candidate is Wanted => candidate.type === type);
          if (event) resolve(event);
        };
        watchers.add(watcher);
        watcher();
      });
      const missing = () =>
        new Error(`no ${type} in time; got ${events.map((event) => JSON.stringify(event)).join(' ')}`);
      return await within(found, timeoutMs, missing).finally(() => watchers.delete(watcher));
    },
  };
}

/** Pairs the device by QR and opens it again as WhatsApp asks; resolves when it is connected. */
export async function link(bench: Bench): Promise<OpenedSession> {
  const pairing = bench.open();
  const { qr } = await pairing.until('qr');
  await bench.own.scan(qr);
  const { reason } = await pairing.until('closed');
  assert.equal(reason, 'restart_required');
  return await connect(bench);
}

/** Opens a session of the linked device; resolves when it is connected. */
export async function connect(bench: Bench): Promise<OpenedSession> {
  const opened = bench.open();
  await opened.until('connected');
  return opened;
}

export async function startLinked(
  t: TestContext,
  options: BenchOptions = {},
): Promise<Bench & { opened: OpenedSession }> {
  const bench = await startBench(t, options);
  return { ...bench, opened: await link(bench) };
}

export function testImage(bytes = 20_000): OutgoingImage {
  const image = randomBytes(bytes);
  return {
    bytes: image,
    mimetype: 'image/jpeg',
    width: 640,
    height: 480,
    sha256: createHash('sha256').update(image).digest('hex'),
    thumbnail: Buffer.from('a small thumbnail'),
  };
}

export function outgoing(route: Route, image: UploadedImage, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    messageId: newMessageId(),
    route,
    image,
    caption: 'a caption',
    viewOnce: false,
    forwarded: false,
    ephemeralSeconds: 0,
    mentions: [],
    quotedMessageId: undefined,
    ...more,
  };
}

/** Looks up, uploads and sends an image; answers the message and how often it was told as relayed. */
export async function sendTo(session: Session, to: string, more: Partial<OutgoingMessage> = {}) {
  const image = testImage();
  const [route, uploaded] = await Promise.all([session.lookUp(parseRecipient(to)), session.upload(image)]);
  const message = outgoing(route, uploaded, more);
  let relayed = 0;
  const { acknowledgedAt } = await session.send(message, () => {
    relayed += 1;
  });
  return { message, image, acknowledgedAt, relayed };
}

export function silentLogger(): Logger {
  return createLogger({ name: 'test', level: 'silent' });
}
