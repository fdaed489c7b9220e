import { type DeviceRecord, Failure } from '@postern/contract';
import type { RedisClock } from '@postern/registry';
import { type Logger, monotonicMs } from '@postern/runtime';
import type { CloseReason, Session, SessionEvent, WhatsApp } from '../whatsapp/whatsapp.ts';
import { type Connection, type ConnectionEvent, next } from './connection.ts';

export interface DeviceLinkOptions {
  deviceId: string;
  leaseToken: string;
  whatsapp: WhatsApp;
  /**
   * How long a message in hand waits for the device to come back, in milliseconds since it went offline. While Redis is
   * away no device can: that time does not count.
   */
  graceMs: number;
  redisClock: Pick<RedisClock, 'servedSince'>;
  /** Called after each change of the state. */
  onChange: (connection: Connection) => void;
  /** Everything a session tells that is not about the connection itself, and `qr` and `paired` as well. */
  onSessionEvent: (event: SessionEvent) => void;
  logger: Logger;
}

/** How long a device that is removed may take to come back, in milliseconds, so that it can be unlinked. */
const UNLINK_WAIT_MS = 4_000;
/** How long a login may take to offer its first QR, in milliseconds. */
const PAIRING_OPEN_MS = 20_000;
/** How often an offline device whose grace stands still is looked at, at most, in milliseconds. */
const OFFLINE_LOOK_MS = 50;

/** Keeps one device connected: opens its sockets one after the other, as the connection's states ask for. */
export class DeviceLink {
  readonly #options: DeviceLinkOptions;
  #connection: Connection;
  #session: Session | undefined;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;
  #deleted = false;
  readonly #watchers = new Set<() => void>();

  constructor(options: DeviceLinkOptions, record: DeviceRecord) {
    this.#options = options;
    this.#connection = toInitialConnection(record);
  }

  get connection(): Connection {
    return this.#connection;
  }

  get deleted(): boolean {
    return this.#deleted;
  }

  /** Connects, if the device is paired. */
  start(): void {
    if (this.#connection.state === 'disconnected') this.#apply({ type: 'connect' });
    else this.#options.onChange(this.#connection);
  }

  /**
   * The session to send through. While the device is offline it waits, at most until `graceMs` after it went offline.
   * Throws DEVICE_NOT_CONNECTED (then, or at once when nobody is logged in), DEVICE_DELETED, or the signal's reason.
   */
  async session(signal: AbortSignal): Promise<Session> {
    for (;;) {
      signal.throwIfAborted();
      const connection = this.#connection;
      if (this.#deleted) throw new Failure('DEVICE_DELETED', 'The device was removed', { retryable: false });
      if (connection.state === 'connected' && this.#session && !this.#session.signal.aborted) return this.#session;
      if (connection.state === 'unpaired' || connection.state === 'logged_out' || isUnfinishedPairing(connection)) {
        throw notConnected('nobody is logged in on it');
      }
      const offlineSince = 'offlineSince' in connection ? connection.offlineSince : connection.since;
      const left = this.#options.graceMs - this.#options.redisClock.servedSince(offlineSince);
      if (left <= 0) throw notConnected(`it has been offline for more than ${this.#options.graceMs} ms`);
      await this.#changed(Math.max(left, OFFLINE_LOOK_MS), signal);
    }
  }

  /** Starts a login; a login that runs already goes on. Throws ALREADY_LOGGED_IN. */
  login(): Session {
    if (isUnfinishedPairing(this.#connection) && this.#session) return this.#session;
    if (this.#connection.state !== 'unpaired' && this.#connection.state !== 'logged_out') {
      throw new Failure('ALREADY_LOGGED_IN', 'The device is logged in already; log it out first');
    }
    this.#apply({ type: 'login' });
    if (!this.#session) throw notConnected('it could not be opened');
    return this.#session;
  }

  /** A pairing code for this number (digits), from a login that runs or starts now. Throws ALREADY_LOGGED_IN. */
  async pairingCode(phone: string, signal: AbortSignal): Promise<string> {
    const session = this.login();
    const deadline = Date.now() + PAIRING_OPEN_MS;
    // WhatsApp takes the request only once it has offered QRs.
    while (session.state === 'connecting' && !session.signal.aborted && Date.now() < deadline) {
      await this.#changed(deadline - Date.now(), signal);
    }
    return session.requestPairingCode(phone);
  }

  /** Whether this number (digits) has WhatsApp. Throws DEVICE_NOT_CONNECTED at once, and SEND_FAILED without an answer. */
  async isOnWhatsApp(phone: string): Promise<boolean> {
    if (this.#connection.state !== 'connected' || !this.#session) throw notConnected('it is offline');
    return await this.#session.isOnWhatsApp(phone);
  }

  /** Logs out on WhatsApp's side where it can be reached, and forgets the credentials. */
  async logout(detail: string): Promise<void> {
    const session = this.#detach();
    if (session) {
      await session
        .logout()
        .catch((error: unknown) => this.#options.logger.warn({ err: error }, 'logout not confirmed'));
      await session.close();
    }
    await this.#options.whatsapp.forget(this.#options.deviceId, this.#options.leaseToken);
    this.#apply({ type: 'logged_out', detail });
  }

  /**
   * Logs out for good; whoever waits for a session gets DEVICE_DELETED. A device that is offline is given a moment to come
   * back: only over a connection can WhatsApp be told that it is linked no more.
   */
  async delete(): Promise<void> {
    this.#deleted = true;
    this.#notify();
    await this.#untilUnlinkable();
    await this.logout('the device was removed');
  }

  /** Closes the socket, if there is one, and opens a new one. Throws DEVICE_NOT_CONNECTED when nobody is logged in. */
  async reconnect(): Promise<void> {
    const { state } = this.#connection;
    if (state === 'unpaired' || state === 'logged_out' || state === 'pairing') {
      throw notConnected('nobody is logged in on it');
    }
    await this.#detach()?.close();
    this.#apply({ type: 'closed', reason: 'closed_by_us', detail: 'reconnect was asked for' });
    this.#apply({ type: 'connect' });
  }

  /** Closes the socket for good, and resolves when it is closed for certain. */
  async stop(reason: CloseReason = 'closed_by_us'): Promise<void> {
    this.#stopped = true;
    await this.#detach()?.close(reason);
    this.#notify();
  }

  async #untilUnlinkable(): Promise<void> {
    const deadline = monotonicMs() + UNLINK_WAIT_MS;
    const left = () => deadline - monotonicMs();
    const isComing = () => isOffline(this.#connection) && !this.#stopped;
    if (this.#connection.state === 'disconnected') this.#apply({ type: 'connect' });
    while (isComing() && left() > 0) await this.#changed(left());
    if (this.#stopped) throw notConnected('its worker lets go of it');
    if (isComing()) this.#options.logger.warn('device removed while offline: its phone may still show it as linked');
  }

  /** Takes the session away from its events, so that its end moves no state. */
  #detach(): Session | undefined {
    clearTimeout(this.#retry);
    const session = this.#session;
    this.#session = undefined;
    return session;
  }

  #open(): void {
    const { whatsapp, deviceId, leaseToken } = this.#options;
    const opened: { session?: Session } = {};
    const onEvent = (event: SessionEvent) => {
      // A former session that still talks is not heard.
      if (this.#session === undefined || this.#session === opened.session) this.#onEvent(event);
    };
    this.#session = undefined;
    opened.session = whatsapp.open({ deviceId, leaseToken, onEvent });
    this.#session = opened.session;
  }

  #onEvent(event: SessionEvent): void {
    if (this.#stopped) return;
    if (event.type === 'qr' && !isUnfinishedPairing(this.#connection)) return this.#withoutCredentials();
    this.#options.onSessionEvent(event);
    if (event.type === 'qr') this.#notify();
    if (event.type === 'paired' || event.type === 'connected') this.#apply({ type: event.type });
    if (event.type !== 'closed') return;
    this.#session = undefined;
    if (event.reason === 'logged_out') this.#forgetCredentials();
    this.#apply({ type: 'closed', reason: event.reason, detail: event.detail });
  }

  /** A device that counts as paired has lost its credentials: a new login is the only way. */
  #withoutCredentials(): void {
    this.#detach()
      ?.close()
      .catch((error: unknown) => this.#options.logger.warn({ err: error }, 'socket did not close'));
    this.#apply({ type: 'logged_out', detail: 'its credentials are missing; log in again' });
  }

  #forgetCredentials(): void {
    this.#options.whatsapp
      .forget(this.#options.deviceId, this.#options.leaseToken)
      .catch((error: unknown) => this.#options.logger.error({ err: error }, 'credentials not deleted'));
  }

  #apply(event: ConnectionEvent): void {
    clearTimeout(this.#retry);
    const before = this.#connection;
    this.#connection = next(before, event, Date.now());
    const { state } = this.#connection;
    const reason = 'reason' in this.#connection ? this.#connection.reason : undefined;
    this.#options.logger.info({ from: before.state, to: state, reason }, 'connection changed');
    if (this.#stopped) return;
    if (state === 'connecting' || isNewPairing(event)) this.#open();
    if (this.#connection.state === 'disconnected' && this.#connection.retryAt !== undefined) {
      this.#retry = setTimeout(() => this.#apply({ type: 'connect' }), this.#connection.retryAt - Date.now());
    }
    this.#options.onChange(this.#connection);
    this.#notify();
  }

  /** Resolves at the next change of the state, after `maxMs`, or on abort, whichever comes first. */
  #changed(maxMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        this.#watchers.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, maxMs);
      signal?.addEventListener('abort', finish, { once: true });
      this.#watchers.add(finish);
    });
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

function isUnfinishedPairing(connection: Connection): boolean {
  return connection.state === 'pairing' && !connection.paired;
}

/** Paired, and on its way to be connected. */
function isOffline(connection: Connection): boolean {
  const { state } = connection;
  return state === 'connecting' || state === 'disconnected' || (state === 'pairing' && connection.paired);
}

function isNewPairing(event: ConnectionEvent): boolean {
  return event.type === 'login';
}

function notConnected(why: string): Failure {
  return new Failure('DEVICE_NOT_CONNECTED', `The device is not connected: ${why}`, { retryable: false });
}

function toInitialConnection(record: DeviceRecord): Connection {
  const { state, since, reason, connected_until } = record.connection;
  if (state === 'logged_out') return { state, since, reason: reason ?? 'logged out' };
  if (record.jid === undefined) return { state: 'unpaired', since, reason };
  return {
    state: 'disconnected',
    since: Date.now(),
    reason: 'its former owner let go of it',
    attempt: 0,
    offlineSince: connected_until ?? since,
    replacedAt: undefined,
    retryAt: undefined,
  };
}
