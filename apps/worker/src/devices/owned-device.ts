import { CONNECTED_NEWS_MS, type DeviceCommandName, type DeviceRecord, Failure } from '@postern/contract';
import { putBackJobs, readDepths } from '@postern/queue';
import type { Devices, Lease, PairingQrs } from '@postern/registry';
import type { Logger } from '@postern/runtime';
import { createDeviceLane, type DeviceLaneDependencies } from '../lanes/device-lane.ts';
import type { LazyLane } from '../lanes/lazy-lane.ts';
import type { SessionEvent, WhatsApp } from '../whatsapp/whatsapp.ts';
import { type Connection, toDeviceConnection } from './connection.ts';
import { DeviceLink } from './device-link.ts';

/** What every owned device of a worker uses. */
export interface DeviceDependencies extends DeviceLaneDependencies {
  workerId: string;
  devices: Devices;
  qrs: PairingQrs;
  whatsapp: WhatsApp;
  logger: Logger;
  graceMs: number;
}

/** How long acks in flight are awaited when the device is let go, in milliseconds; its successor resends the rest. */
const RELEASE_GRACE_MS = 1_000;

/** A device whose lease this worker holds: its link, its lane, and what they tell each other. */
export class OwnedDevice {
  readonly lease: Lease;
  readonly #deps: DeviceDependencies;
  readonly #logger: Logger;
  readonly #link: DeviceLink;
  readonly #releasing = new AbortController();
  readonly #lane: LazyLane;
  #lastAckAt: number | undefined;
  #publishing: Promise<void> = Promise.resolve();
  #publishAgain = false;
  readonly #heartbeat: NodeJS.Timeout;
  #removal: Promise<void> | undefined;

  constructor(deps: DeviceDependencies, lease: Lease, record: DeviceRecord) {
    this.#deps = deps;
    this.lease = lease;
    this.#logger = deps.logger.child({ device_id: lease.deviceId });
    this.#lastAckAt = record.connection.last_ack_at;
    this.#link = new DeviceLink(
      {
        deviceId: lease.deviceId,
        leaseToken: lease.token,
        whatsapp: deps.whatsapp,
        graceMs: deps.graceMs,
        redisClock: deps.redisClock,
        onChange: (connection) => this.#onChange(connection),
        onSessionEvent: (event) => this.#onSessionEvent(event),
        logger: this.#logger,
      },
      record,
    );
    this.#lane = createDeviceLane({
      deps,
      lease,
      logger: this.#logger,
      signal: this.#releasing.signal,
      session: (signal) => this.#link.session(signal),
      onAck: (acknowledgedAt) => {
        this.#lastAckAt = acknowledgedAt;
      },
    });
    this.#heartbeat = setInterval(() => {
      if (this.#link.connection.state === 'connected') this.#publish();
    }, CONNECTED_NEWS_MS);
  }

  get state(): Connection['state'] {
    return this.#link.connection.state;
  }

  get inHand(): number {
    return this.#lane.inHand;
  }

  /** Takes over what a former owner had in hand, then connects. */
  async start(): Promise<void> {
    const { redis, keys } = this.#deps;
    const returned = await putBackJobs(redis, keys, this.lease, { mode: 'all' });
    if (returned > 0) this.#logger.info({ returned }, 'took over messages in hand');
    // A former owner may have died with its lane open.
    await redis.del(keys.device(this.lease.deviceId).laneOpen);
    this.#link.start();
    const [depth = 0] = await readDepths(redis, keys, [this.lease.deviceId]);
    if (depth > 0) this.#lane.wake();
  }

  /** Whether a message that is added now needs a wake to be seen. */
  get isLaneOpen(): boolean {
    return this.#lane.isOpen;
  }

  /** Something waits in the lane. */
  wakeLane(): void {
    this.#lane.wake();
  }

  /** An operator may have paused or resumed the lane. */
  recheckLanePause(): void {
    this.#lane.recheckPause();
  }

  /** Carries out a command of the API but `delete`; throws a Failure. `phone`: digits. Answers the command's results. */
  async execute(name: Exclude<DeviceCommandName, 'delete'>, phone = ''): Promise<Record<string, string>> {
    switch (name) {
      case 'login':
        this.#link.login();
        return {};
      case 'pair_code':
        return { pair_code: await this.#link.pairingCode(phone, this.#releasing.signal) };
      case 'check':
        return { is_on_whatsapp: String(await this.#link.isOnWhatsApp(phone)) };
      case 'logout':
        await this.#link.logout('logged out through the API');
        return {};
      case 'reconnect':
        await this.#link.reconnect();
        return {};
    }
  }

  /**
   * Removes the device for good: its phone is told, what waits fails, and nothing of it is left. What is cut in the middle is
   * gone on with by whoever owns the device next. The lease is still held when this resolves.
   */
  remove(): Promise<void> {
    this.#removal ??= this.#remove();
    return this.#removal;
  }

  async #remove(): Promise<void> {
    const { devices } = this.#deps;
    const { deviceId, token } = this.lease;
    // From here on nothing is accepted for it; what waits is failed by the lane.
    await devices.beginRemoval(deviceId, token);
    await this.#link.delete();
    await this.#lane.drained();
    await this.stop();
    await devices.finishRemoval(deviceId, token);
    this.#logger.info('device removed');
  }

  /**
   * Lets go: what has not reached `sending` goes back in order, acks in flight are awaited briefly, and the socket is
   * closed for certain. The lease is still held when this resolves.
   */
  async stop(): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#releasing.abort(new Failure('DEVICE_NOT_CONNECTED', 'This worker lets go of the device'));
    await this.#lane.close(RELEASE_GRACE_MS);
    await this.#link.stop();
    await this.#publishing;
  }

  /** Another worker has had a turn: the socket is closed at once, whatever waits for an ack over it. */
  async drop(): Promise<void> {
    await Promise.all([this.#link.stop(), this.stop()]);
  }

  /** Lets go without Redis: resolves when the socket is closed, whatever of the rest still waits. */
  async abandon(): Promise<void> {
    this.#background(this.stop(), 'not let go in order');
    await this.#link.stop();
  }

  #onChange(connection: Connection): void {
    // While the device is offline its backlog waits; when nobody is logged in, the lane runs to fail what waits.
    const waits = connection.state === 'connecting' || connection.state === 'disconnected';
    const pairs = connection.state === 'pairing';
    if ((waits || pairs) && !this.#link.deleted) this.#lane.pause();
    else if (connection.state === 'connected' && !this.#link.deleted) this.#lane.resume();
    else this.#lane.failAll();
    if (connection.state === 'logged_out' && !this.#link.deleted) {
      const { deviceId, token } = this.lease;
      this.#background(this.#deps.devices.writeAccount(deviceId, token, undefined), 'account not cleared');
    }
    this.#publish();
  }

  #background(work: Promise<unknown>, failed: string): void {
    work.catch((error: unknown) => this.#logger.warn({ err: error }, failed));
  }

  #onSessionEvent(event: SessionEvent): void {
    const { deviceId, token } = this.lease;
    const { messages, qrs, devices, metrics, holds, uploads } = this.#deps;
    const background = (work: Promise<unknown>, failed: string) => this.#background(work, failed);
    switch (event.type) {
      case 'qr':
        return background(qrs.show(deviceId, event.qr, event.expiresInMs), 'QR not stored');
      case 'paired':
      case 'connected': {
        // It may be another account now, which has uploaded nothing yet.
        if (event.type === 'paired') uploads.forget(deviceId);
        const account = { jid: event.jid, ...(event.lid === undefined ? {} : { lid: event.lid }) };
        background(qrs.clear(deviceId), 'QR not cleared');
        return background(devices.writeAccount(deviceId, token, account), 'account not stored');
      }
      case 'receipt':
        return background(messages.markReceipt(deviceId, event.messageId, event), 'receipt not stored');
      case 'inbound':
        return background(
          Promise.all(event.chats.map((chat) => holds.remember(deviceId, chat))),
          'chat not remembered',
        );
      case 'media_gone':
        this.#logger.warn('media reported gone; it will be uploaded again for the next message');
        return uploads.forget(deviceId, event.sha256Uploaded);
      case 'late_ack':
        return background(messages.markSent(deviceId, event.messageId, event.at), 'late ack not stored');
      case 'closed':
        metrics.countDisconnect(event.reason, event.code);
        background(qrs.clear(deviceId), 'QR not cleared');
    }
  }

  /** Writes the newest state to the registry, one write at a time; states in between may be skipped. */
  #publish(): void {
    if (this.#publishAgain) return;
    this.#publishAgain = true;
    const { devices, workerId } = this.#deps;
    this.#publishing = this.#publishing.then(async () => {
      this.#publishAgain = false;
      if (this.#link.deleted) return;
      const extra = { owner: workerId, lastAckAt: this.#lastAckAt, now: Date.now() };
      const connection = toDeviceConnection(this.#link.connection, extra);
      await devices.writeConnection(this.lease.deviceId, this.lease.token, connection).catch((error: unknown) => {
        this.#logger.warn({ err: error }, 'connection state not stored');
      });
    });
  }
}
