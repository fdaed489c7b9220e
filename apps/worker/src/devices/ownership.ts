import type { DeviceCommand } from '@postern/contract';
import { Failure } from '@postern/contract';
import type { Lease, Leases } from '@postern/registry';
import { delay, type Logger } from '@postern/runtime';
import { type DeviceDependencies, OwnedDevice } from './owned-device.ts';

export interface OwnershipOptions {
  deps: DeviceDependencies;
  leases: Leases;
  leaseTtlMs: number;
  /** How often unowned devices are looked for, in milliseconds. */
  claimIntervalMs: number;
  logger: Logger;
}

/** Claims devices nobody owns, keeps their leases, and lets go of all of them at the end. */
export class Ownership {
  readonly #options: OwnershipOptions;
  readonly #owned = new Map<string, OwnedDevice>();
  readonly #stopping = new AbortController();
  readonly #loops: Promise<unknown>;

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.#loops = Promise.all([
      this.#repeat(options.claimIntervalMs, () => this.#claim()),
      this.#repeat(options.leaseTtlMs / 3, () => this.#renew()),
    ]);
  }

  get devices(): OwnedDevice[] {
    return [...this.#owned.values()];
  }

  /** Carries out a command for a device of ours; undefined when it is not ours. Throws a Failure. */
  async execute(command: DeviceCommand): Promise<Record<string, string> | undefined> {
    const device = this.#owned.get(command.device_id);
    if (!device) return undefined;
    const results = await device.execute(command);
    if (command.name === 'delete') {
      this.#owned.delete(command.device_id);
      await this.#release(device.lease);
    }
    return results;
  }

  /** Lets go of every device, all at once; each socket is closed before its lease is released. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Failure('SHUTTING_DOWN', 'This worker stops'));
    await this.#loops;
    const owned = this.devices;
    this.#owned.clear();
    await Promise.all(
      owned.map(async (device) => {
        await device.stop();
        await this.#release(device.lease);
      }),
    );
  }

  async #repeat(intervalMs: number, work: () => Promise<void>): Promise<void> {
    const { logger } = this.#options;
    while (!this.#stopping.signal.aborted) {
      try {
        await work();
      } catch (error) {
        logger.warn({ err: error }, 'keeping leases failed');
      }
      await delay(intervalMs, this.#stopping.signal).catch(() => {});
    }
  }

  async #claim(): Promise<void> {
    const { deps, leases } = this.#options;
    const unowned = (await deps.devices.ids()).filter((deviceId) => !this.#owned.has(deviceId));
    for (const deviceId of unowned) {
      if (this.#stopping.signal.aborted) return;
      const lease = await leases.acquire(deviceId);
      if (lease) await this.#begin(lease);
    }
  }

  async #begin(lease: Lease): Promise<void> {
    const { deps, logger } = this.#options;
    const { deviceId, epoch } = lease;
    const record = await deps.devices.get(deviceId);
    if (!record) return this.#release(lease);
    deps.metrics.countLease('acquired');
    logger.info({ device_id: deviceId, epoch }, 'lease acquired');
    const device = new OwnedDevice(deps, lease, record);
    this.#owned.set(deviceId, device);
    try {
      await device.start();
    } catch (error) {
      this.#owned.delete(deviceId);
      await device.stop();
      await this.#release(lease);
      throw error;
    }
  }

  async #renew(): Promise<void> {
    const { leases, logger, deps } = this.#options;
    await Promise.all(
      this.devices.map(async (device) => {
        const { lease } = device;
        if ((await leases.renew(lease)) === 'renewed' || !this.#owned.has(lease.deviceId)) return;
        this.#owned.delete(lease.deviceId);
        deps.metrics.countLease('lost');
        logger.error({ device_id: lease.deviceId, epoch: lease.epoch }, 'lease lost');
        await device.stop();
      }),
    );
  }

  async #release(lease: Lease): Promise<void> {
    const { leases, deps, logger } = this.#options;
    await leases.release(lease);
    deps.metrics.countLease('released');
    logger.info({ device_id: lease.deviceId, epoch: lease.epoch }, 'lease released');
  }
}
