import { type DeviceCommand, Failure, type Mail } from '@postern/contract';
import { type Lease, type Leases, readLastHolder, toVacancy, type Workers } from '@postern/registry';
import { delay, type Logger, monotonicMs, within } from '@postern/runtime';
import { ClaimPauses } from './claim-pauses.ts';
import { handOver } from './hand-over.ts';
import { lookAround } from './look-around.ts';
import type { Membership } from './membership.ts';
import { type DeviceDependencies, OwnedDevice } from './owned-device.ts';
import { type PlacementView, toClaim, toPlacementRules, toRelease } from './placement.ts';
import { UnownedDevices } from './unowned-devices.ts';
import { wakeFilledLanes } from './wake-filled-lanes.ts';

export interface OwnershipOptions {
  deps: DeviceDependencies;
  leases: Leases;
  workers: Workers;
  leaseTtlMs: number;
  /** How long Redis had been up when this worker started, in milliseconds. */
  redisUpMs: number;
  /** How often unowned devices are looked for, in milliseconds, give or take a quarter. */
  claimIntervalMs: number;
  /** Between two devices that move to a worker with fewer, in the whole cluster. */
  rebalanceIntervalMs: number;
  membership: Membership;
  /** Told of each device that Redis has forgotten. */
  onForgotten: () => void;
  /** Posts to another worker. */
  post: (workerId: string, mail: Mail) => Promise<void>;
  logger: Logger;
}

const RENEWALS_PER_TTL = 3;
/** How often closed lanes are looked at, for messages whose wake was lost. */
const LANE_SCAN_INTERVAL_MS = 2_000;
/** A device let go for another worker, or that could not be had, is left alone for so long, in milliseconds. */
const RELEASED_REST_MS = 5_000;

/** Claims this worker's share of the devices, keeps their leases, and lets go: one for a newcomer, all at the end. */
export class Ownership {
  readonly #options: OwnershipOptions;
  readonly #owned = new Map<string, OwnedDevice>();
  /** Devices whose renewal waits for an answer. */
  readonly #renewing = new Set<OwnedDevice>();
  readonly #unowned = new UnownedDevices();
  #unregistered: ReadonlySet<OwnedDevice> = new Set();
  readonly #pauses: ClaimPauses;
  readonly #stopping = new AbortController();
  readonly #loops: Promise<unknown>;
  /** Claims that letters asked for and that are under way. */
  readonly #claims = new Set<Promise<void>>();
  #introduced = false;

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.#pauses = new ClaimPauses(options.leaseTtlMs, options.redisUpMs);
    this.#loops = Promise.all([
      this.#repeat(options.claimIntervalMs, () => this.#place()),
      this.#repeat(options.leaseTtlMs / RENEWALS_PER_TTL, () => this.#renew()),
      this.#repeat(LANE_SCAN_INTERVAL_MS, () => wakeFilledLanes(this.devices, options.deps)),
    ]);
  }

  get devices(): OwnedDevice[] {
    return [...this.#owned.values()];
  }

  /** Carries out a command for a device of ours; undefined when it is not ours. Throws a Failure. */
  async execute(command: DeviceCommand): Promise<Record<string, string> | undefined> {
    const device = this.#owned.get(command.device_id);
    if (!device) return undefined;
    const { name, phone } = command;
    if (name !== 'delete') return await device.execute(name, phone);
    await this.#remove(device);
    return {};
  }

  /** Removes the device and lets go of it. When it fails, the next owner goes on. */
  async #remove(device: OwnedDevice): Promise<void> {
    try {
      await device.remove();
    } finally {
      if (this.#owned.get(device.lease.deviceId) === device) {
        this.#owned.delete(device.lease.deviceId);
        await device.stop();
        await this.#release(device.lease, { isRemoved: true });
      }
    }
  }

  /** The device, while it is ours. */
  find(deviceId: string): OwnedDevice | undefined {
    return this.#owned.get(deviceId);
  }

  /** Claims devices that another worker has just let go. */
  claim(deviceIds: string[]): Promise<void> {
    const claiming = this.#claimLetGo(deviceIds);
    const over = claiming.catch(() => {}).finally(() => this.#claims.delete(over));
    this.#claims.add(over);
    return claiming;
  }

  async #claimLetGo(deviceIds: string[]): Promise<void> {
    const { leases, deps } = this.#options;
    for (const deviceId of deviceIds) {
      if (this.#stopping.signal.aborted || monotonicMs() < this.#pauses.releasedUntil) return;
      if (this.#options.membership.problem !== undefined) return;
      if (this.#owned.has(deviceId)) continue;
      // The news may be old: somebody else may have had it since.
      const lastHolder = await readLastHolder(deps.redis, deps.keys, deviceId);
      const lease = toVacancy(lastHolder) !== 'ran_out' && (await leases.acquire(deviceId, lastHolder));
      if (lease) await this.#begin(lease);
    }
  }

  /**
   * Redis answers again, and what is ours is renewed now. Leases ran out on its clock while it was away, although their
   * holders still live: for one whole TTL none that ran out is claimed. If Redis was restarted it may have forgotten its
   * last second, and who took what was let go: for a while that is not claimed either, unless `trust` says that it was not.
   */
  onRedisBack(): { trust(): void } {
    this.#onWritable();
    return this.#pauses.onReconnected();
  }

  /**
   * Lets go of every device, all at once; each socket is closed before its lease is released and a peer is told. Once
   * `abandoned` aborts, all sockets are closed, and nothing else is waited for.
   */
  async stop(abandoned: AbortSignal): Promise<void> {
    this.#stopping.abort(new Failure('SHUTTING_DOWN', 'This worker stops'));
    const begun = this.devices;
    const isAbandoned = new Promise<void>((resolve) => abandoned.addEventListener('abort', () => resolve()));
    const closeAll = async () => {
      await Promise.all([...new Set([...begun, ...this.devices])].map((device) => device.abandon()));
    };
    await Promise.race([this.#handOverAll(), isAbandoned.then(closeAll)]);
  }

  async #handOverAll(): Promise<void> {
    const { workers, deps, logger } = this.#options;
    await Promise.all([this.#loops, ...this.#claims]);
    const { all } = await workers.leave(deps.workerId).catch((error: unknown) => {
      logger.warn({ err: error }, 'the other workers are not known');
      return { all: [] };
    });
    await this.#letGoOfAll(all);
  }

  /** Closes every socket, releases its lease, and tells these workers in turn. */
  async #letGoOfAll(live: readonly string[]): Promise<void> {
    const peers = live.filter((workerId) => workerId !== this.#options.deps.workerId);
    const owned = this.devices;
    this.#owned.clear();
    const letGo = async (device: OwnedDevice, index: number) => {
      await device.stop();
      await this.#release(device.lease);
      const peer = peers[index % peers.length];
      if (peer !== undefined) await handOver(device.lease.deviceId, peer, this.#options);
    };
    await Promise.all(owned.map(letGo));
  }

  /** What is ours is renewed at once, and what others may still hold is left to them for a while. */
  #onWritable(): void {
    this.#pauses.onWritable();
    this.#renew().catch((error: unknown) => this.#options.logger.warn({ err: error }, 'renewing leases failed'));
  }

  async #repeat(intervalMs: number, work: () => Promise<void>): Promise<void> {
    const { logger } = this.#options;
    while (!this.#stopping.signal.aborted) {
      try {
        await work();
      } catch (error) {
        logger.warn({ err: error }, 'keeping leases failed');
      }
      await delay(intervalMs * (0.75 + Math.random() / 2), this.#stopping.signal).catch(() => {});
    }
  }

  async #place(): Promise<void> {
    const { leaseTtlMs, leases, deps } = this.#options;
    const standing = await this.#options.membership.beat(this.devices.map(({ state }) => state));
    if (standing.type === 'leaves') await this.#letGoOfAll(standing.peers);
    if (standing.type !== 'member') return;
    // A Redis that stood still or refused writes cut no connection, but leases ran out on its clock all the same.
    if (standing.isBack) this.#onWritable();
    // Workers that start together see each other before the first one claims.
    if (!this.#introduced) {
      this.#introduced = true;
      return;
    }
    await this.#unowned.recheckRefused((deviceId) => leases.assertWritable(deviceId), leaseTtlMs);
    const startedAt = monotonicMs();
    const around = await lookAround({ deps, live: standing.live, owned: this.#owned, unowned: this.#unowned });
    const { counts, lastHolders } = around;
    await this.#dropForgotten(around.unregistered);
    if (monotonicMs() - startedAt > leaseTtlMs / RENEWALS_PER_TTL) this.#onWritable();
    const view: PlacementView = {
      ...around.view,
      expiredClaimsPausedUntil: this.#pauses.expiredUntil,
      releasedClaimsPausedUntil: this.#pauses.releasedUntil,
    };
    for (const deviceId of toClaim(view, toPlacementRules(leaseTtlMs))) {
      if (this.#stopping.signal.aborted) return;
      const lease = await leases.acquire(deviceId, lastHolders.get(deviceId)).catch((error: unknown) => {
        this.#unowned.refuse(deviceId);
        throw error;
      });
      if (lease) await this.#begin(lease);
    }
    const moving = toRelease(view);
    if (moving !== undefined) await this.#moveTo(moving, counts);
  }

  /** Closes the sockets of devices that were unregistered at the last look, too: Redis has forgotten them. */
  async #dropForgotten(unregistered: OwnedDevice[]): Promise<void> {
    const { leases, onForgotten, logger } = this.#options;
    const forgotten = unregistered.filter((device) => this.#unregistered.has(device));
    this.#unregistered = new Set(unregistered);
    const drop = async (device: OwnedDevice) => {
      const { lease } = device;
      if (!this.#owned.delete(lease.deviceId)) return;
      logger.error({ device_id: lease.deviceId }, 'redis has forgotten a device: its socket is closed, link it again');
      onForgotten();
      await device.drop();
      await leases.release(lease, { isRemoved: true });
    };
    await Promise.all(forgotten.map(drop));
  }

  /** Lets one device go for the worker that has the fewest, unless another device moves at the moment. */
  async #moveTo(deviceId: string, counts: Map<string, number>): Promise<void> {
    const { deps, rebalanceIntervalMs, logger } = this.#options;
    const device = this.#owned.get(deviceId);
    const [target] = [...counts].toSorted((a, b) => a[1] - b[1]);
    if (!device || !target) return;
    const turn = await deps.redis.set(deps.keys.rebalance, deps.workerId, 'PX', rebalanceIntervalMs, 'NX');
    if (turn === null) return;
    logger.info({ device_id: deviceId, to_worker: target[0] }, 'letting a device go for a worker with fewer');
    this.#unowned.rest(deviceId, RELEASED_REST_MS);
    this.#owned.delete(deviceId);
    await device.stop();
    await this.#release(device.lease);
    await handOver(deviceId, target[0], this.#options);
  }

  async #begin(lease: Lease): Promise<void> {
    const { deps, logger } = this.#options;
    const { deviceId, epoch } = lease;
    const onError = (error: unknown, message: string) => logger.error({ err: error, device_id: deviceId }, message);
    let device: OwnedDevice | undefined;
    try {
      const found = await deps.devices.findOwnable(deviceId);
      if (!found) return await this.#release(lease, { isRemoved: true });
      deps.metrics.countLease('acquired');
      logger.info({ device_id: deviceId, epoch }, 'lease acquired');
      device = new OwnedDevice(deps, lease, found.device);
      this.#owned.set(deviceId, device);
      await device.start();
      if (found.isRemoved) this.#remove(device).catch((error: unknown) => onError(error, 'device not removed yet'));
    } catch (error) {
      // One that cannot be had keeps nobody from the others.
      onError(error, 'device not taken over');
      this.#unowned.rest(deviceId, RELEASED_REST_MS);
      this.#owned.delete(deviceId);
      await device?.stop();
      await this.#release(lease);
    }
  }

  async #renew(): Promise<void> {
    const { leases, leaseTtlMs, logger, deps } = this.#options;
    const renewOne = async (device: OwnedDevice) => {
      const { lease } = device;
      if (this.#renewing.has(device)) return;
      this.#renewing.add(device);
      const answer = await leases.renew(lease).finally(() => this.#renewing.delete(device));
      if (answer === 'renewed' || this.#owned.get(lease.deviceId) !== device) return;
      this.#owned.delete(lease.deviceId);
      deps.metrics.countLease('lost');
      logger.error({ device_id: lease.deviceId, epoch: lease.epoch }, 'lease lost');
      await device.drop();
    };
    // A lease whose node of a Redis Cluster is down must not hold up the others' next renewal.
    const silence = () => new Error('Redis does not answer for every lease');
    await within(Promise.all(this.devices.map(renewOne)), leaseTtlMs / RENEWALS_PER_TTL / 2, silence);
  }

  async #release(lease: Lease, options?: { isRemoved: boolean }): Promise<void> {
    const { leases, deps, logger } = this.#options;
    await leases.release(lease, options);
    deps.metrics.countLease('released');
    logger.info({ device_id: lease.deviceId, epoch: lease.epoch }, 'lease released');
  }
}
