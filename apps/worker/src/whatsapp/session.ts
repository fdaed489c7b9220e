import { Failure, type Recipient } from '@postern/contract';
import type { DeviceKeys, Keys } from '@postern/registry';
import { type Clock, delay, type Logger, within } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { type Connection, openConnection } from './connection.ts';
import { type Authentication, loadAuthentication } from './credentials/authentication.ts';
import { createOwnedWriter, type OwnedWriter } from './credentials/owned-writer.ts';
import type { RecentWrites } from './credentials/recent-writes.ts';
import { type StateCipher, StateKeyError } from './credentials/state-cipher.ts';
import { DeviceLists } from './device-lists.ts';
import { type Close, closeAs } from './disconnects.ts';
import { findGoneMedia } from './gone-media.ts';
import { Groups } from './groups.ts';
import { readPersonalChats } from './inbound.ts';
import { toReceipts } from './receipts.ts';
import { createSessionStore, type SessionStore } from './session-store.ts';
import { closeSocket } from './socket.ts';
import { listen, type SocketListener } from './socket-events.ts';
import { unlink } from './unlink.ts';
import { uploadImage } from './upload.ts';
import { Watchdog } from './watchdog.ts';
import type {
  CloseReason,
  OpenOptions,
  OutgoingImage,
  OutgoingMessage,
  Route,
  Session,
  SessionEvent,
  UploadedImage,
} from './whatsapp.ts';

export interface SessionOptions extends OpenOptions {
  redis: Redis;
  keys: Keys;
  logger: Logger;
  cipher: StateCipher;
  webSocketUrl: string | undefined;
  /** Time in which it stands still counts against no socket. */
  clock: Clock;
  connectTimeoutMs: number;
  queryTimeoutMs: number;
  ackTimeoutMs: number;
  uploadTimeoutMs: number;
  keepAliveIntervalMs: number;
  recentWrites: RecentWrites;
  onKeyWrite: ((durationMs: number, ok: boolean) => void) | undefined;
}

/** Baileys shows the first QR for a minute, each later one for 20 seconds. */
const FIRST_QR_MS = 60_000;
const NEXT_QR_MS = 20_000;
/** Baileys itself does not wait for the answer, and not every server gives one. */
const UNLINK_BOUND_MS = 3000;
const CLOSE_BOUND_MS = 1500;
const WRITES_BOUND_MS = 3000;
const REFUSED_SAVE_MS = 500;

/** One socket's life, from the credentials in Redis to its one `closed` event. */
export class BaileysSession implements Session {
  readonly #options: SessionOptions;
  readonly #device: DeviceKeys;
  readonly #controller = new AbortController();
  readonly #writer: OwnedWriter;
  readonly #store: SessionStore;
  readonly #watchdog: Watchdog;
  readonly #devices = new DeviceLists();
  readonly #groups = new Groups();
  #state: Session['state'] = 'connecting';
  #opened: Connection | undefined;
  #saving: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { redis, cipher, logger, leaseToken, connectTimeoutMs, keepAliveIntervalMs, clock } = options;
    const device = options.keys.device(options.deviceId);
    this.#device = device;
    this.#writer = createOwnedWriter({
      redis,
      lastHolderKey: device.lastHolder,
      leaseToken,
      recent: options.recentWrites,
      onLeaseLost: () => void this.#finish(closeAs('recycled', 'the lease of this device was lost')),
      onWrite: options.onKeyWrite,
    });
    this.#store = createSessionStore({ redis, device, writer: this.#writer, cipher, logger });
    const onExpired = (close: Close) => void this.#finish(close);
    this.#watchdog = new Watchdog({ connectTimeoutMs, keepAliveIntervalMs, clock, onExpired });
    this.#open().catch((error: unknown) => this.#onOpenFailed(error));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get state(): Session['state'] {
    return this.#state;
  }

  async requestPairingCode(phone: string): Promise<string> {
    if (this.#state === 'connected') throw new Failure('ALREADY_LOGGED_IN', 'This device is already linked');
    if (this.#state !== 'pairing' || !this.#opened) throw notConnected('The device is not waiting to be linked');
    const timeout = () => notConnected('WhatsApp gave no pairing code in time');
    const code = this.#opened.socket.sock.requestPairingCode(phone);
    return await within(code, this.#options.queryTimeoutMs, timeout, this.signal);
  }

  async lookUp(recipient: Recipient): Promise<Route> {
    return await this.#connected().recipients.lookUp(recipient);
  }

  async isOnWhatsApp(phone: string): Promise<boolean> {
    return await this.#connected().recipients.isOnWhatsApp(phone);
  }

  knows(recipient: Recipient): boolean {
    return this.#opened?.recipients.knows(recipient) ?? false;
  }

  async learn(recipients: readonly Recipient[]): Promise<void> {
    await this.#connected().recipients.learn(recipients);
  }

  async upload(image: OutgoingImage): Promise<UploadedImage> {
    const { media } = this.#connected();
    const { uploadTimeoutMs } = this.#options;
    return await uploadImage(image, { connection: media, uploadTimeoutMs, signal: this.signal });
  }

  async send(message: OutgoingMessage, onRelayed: () => void): Promise<{ acknowledgedAt: number }> {
    return await this.#connected().delivery.send(message, onRelayed);
  }

  async logout(): Promise<void> {
    const { logger, queryTimeoutMs } = this.#options;
    if (this.#state === 'connected' && this.#opened) {
      const timeout = () => new Error('WhatsApp did not confirm in time');
      const unlinked = within(
        unlink(this.#opened.socket.sock, this.#opened.own().jid),
        Math.min(queryTimeoutMs, UNLINK_BOUND_MS),
        timeout,
        this.signal,
      );
      // The account's phone may have been told although the answer was lost.
      await unlinked.catch((err: unknown) => logger.warn({ err }, 'unlinking was not confirmed'));
    }
    await this.#finish(closeAs('logged_out', 'logged out on request'));
  }

  async close(reason: CloseReason = 'closed_by_us'): Promise<void> {
    await this.#finish(closeAs(reason, 'closed on request'));
  }

  async #open(): Promise<void> {
    const { redis, cipher } = this.#options;
    const authentication = await loadAuthentication({ redis, device: this.#device, writer: this.#writer, cipher });
    if (this.#closing) return;
    this.#opened = openConnection({
      ...this.#options,
      authentication,
      store: this.#store,
      devices: this.#devices,
      groups: this.#groups,
      signal: this.signal,
      onLateAck: (messageId, at) => this.#emit({ type: 'late_ack', messageId, at }),
      onStuck: (detail) => void this.#finish(closeAs('recycled', detail)),
    });
    listen(this.#opened.socket.sock, this.#listener(this.#opened));
  }

  #onOpenFailed(error: unknown): void {
    const message = 'the stored credentials could not be read';
    if (error instanceof StateKeyError) this.#options.logger.error({ err: error }, message);
    void this.#finish(closeAs('connection_lost', error instanceof StateKeyError ? error.message : message));
  }

  #listener({ authentication, own, delivery }: Connection): SocketListener {
    let qrs = 0;
    const save = () => {
      this.#saving = this.#saving.then(() => this.#save(authentication));
      this.#saving.catch((err: unknown) => {
        if (!this.#closing) this.#options.logger.error({ err }, 'credentials could not be stored');
        void this.#finish(closeAs('connection_lost', 'credentials could not be stored'));
      });
    };
    return {
      isPairing: () => this.#state === 'pairing',
      onFrame: () => this.#watchdog.onFrame(),
      onCredentials: save,
      onQr: (qr) => {
        if (this.#closing) return;
        this.#state = 'pairing';
        this.#watchdog.onProgress();
        this.#emit({ type: 'qr', qr, expiresInMs: qrs === 0 ? FIRST_QR_MS : NEXT_QR_MS });
        qrs += 1;
      },
      onPaired: () => {
        this.#watchdog.expectProgress();
        this.#saving = this.#saving.then(() => this.#emit({ type: 'paired', ...own() }));
        this.#saving.catch(() => {});
      },
      onOpen: () => {
        if (this.#closing) return;
        this.#state = 'connected';
        this.#watchdog.onProgress();
        this.#emit({ type: 'connected', ...own() });
      },
      onEnd: (close) => void this.#finish(close),
      onAck: (node) => delivery.acks.receive(node),
      onReceipt: (node) => {
        const { jid, lid } = own();
        for (const receipt of toReceipts(node, [jid, lid])) {
          delivery.acks.prove(receipt.messageId, receipt.at);
          this.#emit({ type: 'receipt', ...receipt });
        }
        void findGoneMedia(node, this.#store.contents).then((sha256Uploaded) => {
          if (sha256Uploaded !== undefined) this.#emit({ type: 'media_gone', sha256Uploaded });
        });
      },
      onDevices: (node) => this.#devices.receive(node),
      onGroupChanged: (jid) => this.#groups.forget(jid),
      onMessages: (messages) => {
        this.#store.keep(messages, own().jid);
        const chats = [...new Set(messages.flatMap(readPersonalChats))];
        if (chats.length > 0) this.#emit({ type: 'inbound', chats });
      },
    };
  }

  /** A Redis that refuses writes is asked again until it takes them: the credentials are still here. */
  async #save(authentication: Authentication): Promise<void> {
    for (let isTold = false; ; isTold = true) {
      try {
        return await authentication.save();
      } catch (error) {
        if (this.#closing || !(error instanceof Error) || error.name !== 'ReplyError') throw error;
        if (!isTold) this.#options.logger.warn({ err: error }, 'credentials not stored yet: Redis refuses writes');
        await delay(REFUSED_SAVE_MS);
      }
    }
  }

  #connected(): Connection {
    this.signal.throwIfAborted();
    if (this.#state !== 'connected' || !this.#opened) throw notConnected('The device is not connected');
    return this.#opened;
  }

  /** Ends the session for this reason, unless it has ended for another; resolves when it is over for certain. */
  #finish(close: Close): Promise<void> {
    if (this.#closing) return this.#closing;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closing = promise;
    this.#state = 'closed';
    this.#controller.abort(notConnected(`The device is not connected: ${close.detail}`));
    void this.#tearDown(close).finally(resolve);
    return promise;
  }

  async #tearDown(close: Close): Promise<void> {
    this.#watchdog.stop();
    const bounded = async (work: Promise<void>) => {
      await within(work, WRITES_BOUND_MS, () => new Error('Redis did not take the last writes in time')).catch(
        (err: unknown) => this.#options.logger.warn({ err, reason: close.reason }, 'state was not written at the end'),
      );
    };
    if (this.#opened) await closeSocket(this.#opened.socket, CLOSE_BOUND_MS);
    await bounded(this.#saving.then(() => this.#writer.idle()));
    this.#writer.stop();
    this.#emit({ type: 'closed', ...close });
  }

  #emit(event: SessionEvent): void {
    this.#options.onEvent(event);
  }
}

function notConnected(message: string): Failure {
  return new Failure('DEVICE_NOT_CONNECTED', message);
}
