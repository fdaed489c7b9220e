import { type DeviceConnection, type DevicePace, type DeviceRecord, Failure } from '@postern/contract';
import type { Redis } from 'ioredis';
import { writeFenced } from './fenced.ts';
import type { Keys } from './keys.ts';

export interface Devices {
  /** Registers an unpaired device. Throws DEVICE_ALREADY_EXISTS. */
  create(deviceId: string): Promise<DeviceRecord>;
  get(deviceId: string): Promise<DeviceRecord | undefined>;
  list(): Promise<DeviceRecord[]>;
  ids(): Promise<string[]>;
  /** The device that a request names: by id, then by device JID, then by bare JID. */
  resolve(name: string): Promise<DeviceRecord | undefined>;
  /** The owner's news of the connection; throws LeaseLostError when the token is not the lease's. */
  writeConnection(deviceId: string, token: string, connection: DeviceConnection): Promise<void>;
  /** The account the device is linked to; undefined once it is not any more. */
  writeAccount(deviceId: string, token: string, account: { jid: string; lid?: string } | undefined): Promise<void>;
  /** Sets the device's own pace; undefined gives it the worker's default again. */
  writePace(deviceId: string, pace: DevicePace | undefined): Promise<void>;
  /** Forgets the device and everything under its hash tag but its lease and its messages' records. */
  remove(deviceId: string): Promise<void>;
}

/** `628…:12@s.whatsapp.net` → `628…@s.whatsapp.net`. */
export function toBareJid(jid: string): string {
  return jid.replace(/[:_]\d+(:\d+)?@/, '@');
}

export function createDevices(redis: Redis, keys: Keys): Devices {
  const get = async (deviceId: string) => toDeviceRecord(deviceId, await redis.hgetall(keys.device(deviceId).record));
  const ids = async () => (await redis.smembers(keys.devices)).sort();
  return {
    get,
    ids,
    async create(deviceId) {
      const now = Date.now();
      const device: DeviceRecord = {
        device_id: deviceId,
        created_at: now,
        connection: { state: 'unpaired', since: now },
      };
      const created = await redis.hsetnx(keys.device(deviceId).record, 'created_at', now);
      // A registration that died between the two writes is completed by repeating it.
      const added = await redis.sadd(keys.devices, deviceId);
      if (created === 0 && added === 0) {
        throw new Failure('DEVICE_ALREADY_EXISTS', `The device ${deviceId} is registered already`, {
          details: { device_id: deviceId },
        });
      }
      await redis.hset(keys.device(deviceId).record, 'connection', JSON.stringify(device.connection));
      return device;
    },
    async list() {
      const devices = await Promise.all((await ids()).map(get));
      return devices.filter((device) => device !== undefined);
    },
    async resolve(name) {
      const direct = await get(name);
      if (direct) return direct;
      const deviceId = await redis.hget(keys.jids, name);
      return deviceId === null ? undefined : get(deviceId);
    },
    async writeConnection(deviceId, token, connection) {
      const { record, lastHolder } = keys.device(deviceId);
      const fields: [string, string][] = [['connection', JSON.stringify(connection)]];
      await writeFenced(redis, lastHolder, token, [{ command: 'HSET', key: record, fields }]);
    },
    async writeAccount(deviceId, token, account) {
      const { record, lastHolder } = keys.device(deviceId);
      const before = await get(deviceId);
      await writeFenced(redis, lastHolder, token, [
        { command: 'HDEL', key: record, fields: ['jid', 'lid'] },
        ...(account ? [{ command: 'HSET' as const, key: record, fields: Object.entries(account) }] : []),
      ]);
      if (before?.jid && before.jid !== account?.jid) await redis.hdel(keys.jids, before.jid, toBareJid(before.jid));
      if (account) await redis.hset(keys.jids, account.jid, deviceId, toBareJid(account.jid), deviceId);
    },
    async writePace(deviceId, pace) {
      const { record } = keys.device(deviceId);
      await (pace ? redis.hset(record, 'pace', JSON.stringify(pace)) : redis.hdel(record, 'pace'));
    },
    async remove(deviceId) {
      const own = keys.device(deviceId);
      const device = await get(deviceId);
      if (device?.jid) await redis.hdel(keys.jids, device.jid, toBareJid(device.jid));
      await redis.srem(keys.devices, deviceId);
      const { record, qr, credentials, timers, laneOpen, lanePaused, settledByMinute, failures } = own;
      await redis.del(record, qr, credentials, timers, laneOpen, lanePaused, settledByMinute, failures);
    },
  };
}

/** The device that its hash describes; undefined when there is none. */
export function toDeviceRecord(deviceId: string, hash: Record<string, string>): DeviceRecord | undefined {
  const { created_at, connection, jid, lid, pace } = hash;
  if (created_at === undefined) return undefined;
  return {
    device_id: deviceId,
    created_at: Number(created_at),
    ...(jid === undefined ? {} : { jid }),
    ...(lid === undefined ? {} : { lid }),
    ...(pace === undefined ? {} : { pace: JSON.parse(pace) as DevicePace }),
    connection:
      connection === undefined
        ? { state: 'unpaired', since: Number(created_at) }
        : (JSON.parse(connection) as DeviceConnection),
  };
}
