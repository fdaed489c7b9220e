import { type DeviceConnection, type DevicePace, type DeviceRecord, Failure } from '@postern/contract';
import type { Redis } from 'ioredis';
import { toDeviceRecord, toRepairedDevice } from './device-record.ts';
import { beginRemoval, finishRemoval } from './device-removal.ts';
import { writeFenced } from './fenced.ts';
import type { Keys } from './keys.ts';
import { createScript } from './script.ts';
import { skipUnreadable, UnreadableError } from './unreadable.ts';

export interface Devices {
  /** Registers an unpaired device. Throws DEVICE_ALREADY_EXISTS, also while a former one of this id is being removed. */
  create(deviceId: string): Promise<DeviceRecord>;
  /** Undefined when there is none. Throws UnreadableError. */
  get(deviceId: string): Promise<DeviceRecord | undefined>;
  /** Those that can be read; the others are told. */
  list(): Promise<DeviceRecord[]>;
  ids(): Promise<string[]>;
  /** Ids of the devices that need an owner: those that are registered, and those whose removal is not finished. */
  ownableIds(): Promise<string[]>;
  /**
   * The device for its new owner, also while it is being removed; undefined when there is nothing left of it. What its owner
   * writes anew is dropped where it cannot be read. Throws UnreadableError.
   */
  findOwnable(deviceId: string): Promise<{ device: DeviceRecord; isRemoved: boolean } | undefined>;
  /** The device that a request names: by id, then by device JID, then by bare JID. */
  resolve(name: string): Promise<DeviceRecord | undefined>;
  /** The owner's news of the connection; throws LeaseLostError when the token is not the lease's. */
  writeConnection(deviceId: string, token: string, connection: DeviceConnection): Promise<void>;
  /** The account the device is linked to; undefined once it is not any more. */
  writeAccount(deviceId: string, token: string, account: { jid: string; lid?: string } | undefined): Promise<void>;
  /** Sets the device's own pace; undefined gives it the worker's default again. */
  writePace(deviceId: string, pace: DevicePace | undefined): Promise<void>;
  /**
   * Marks the device as removed: from here on nobody finds it, and nothing is accepted for it. Its id stays taken until
   * `finishRemoval`, and `ownableIds` names it. Throws LeaseLostError.
   */
  beginRemoval(deviceId: string, token: string): Promise<void>;
  /** Whether there is no such device, not even one whose removal is not finished. */
  isGone(deviceId: string): Promise<boolean>;
  /** Deletes everything of a removed device but its lease and its messages' records. Throws LeaseLostError. */
  finishRemoval(deviceId: string, token: string): Promise<void>;
}

/** `628…:12@s.whatsapp.net` → `628…@s.whatsapp.net`. */
export function toBareJid(jid: string): string {
  return jid.replace(/[:_]\d+(:\d+)?@/, '@');
}

// KEYS: device record. ARGV: now. Answers 0 when there is one, -1 when it is being removed.
const createRecord = createScript<number>(`
if redis.call('HEXISTS', KEYS[1], 'removed_at') == 1 then return -1 end
return redis.call('HSETNX', KEYS[1], 'created_at', ARGV[1])`);

// KEYS: device record. ARGV: pace or nothing. A device that is removed meanwhile leaves nothing behind.
const writePace = createScript<number>(`
if redis.call('HEXISTS', KEYS[1], 'created_at') == 0 then return 0 end
if ARGV[1] == '' then return redis.call('HDEL', KEYS[1], 'pace') end
return redis.call('HSET', KEYS[1], 'pace', ARGV[1])`);

export interface DevicesOptions {
  /** Told of each device that is left out of a list, or whose record was repaired. */
  onUnreadable: (error: unknown) => void;
}

export function createDevices(
  redis: Redis,
  keys: Keys,
  { onUnreadable }: DevicesOptions = { onUnreadable: () => {} },
): Devices {
  const read = (deviceId: string) => redis.hgetall(keys.device(deviceId).record);
  const get = async (deviceId: string) => toDeviceRecord(deviceId, await read(deviceId));
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
      const created = await createRecord(redis, [keys.device(deviceId).record], [now]);
      if (created === -1) throw alreadyExists(deviceId, 'is still being removed');
      // A registration that died between the two writes is completed by repeating it.
      const added = await redis.sadd(keys.devices, deviceId);
      if (created === 0 && added === 0) throw alreadyExists(deviceId, 'is registered already');
      await redis.hset(keys.device(deviceId).record, 'connection', JSON.stringify(device.connection));
      return device;
    },
    async ownableIds() {
      const [registered, removed] = await Promise.all([ids(), redis.smembers(keys.removals)]);
      return [...new Set([...registered, ...removed])].sort();
    },
    async findOwnable(deviceId) {
      const { removed_at, ...hash } = await read(deviceId);
      // Its removal was finished, or never begun, when somebody died on the way.
      if (removed_at === undefined) await redis.srem(keys.removals, deviceId);
      const { device, badFields } = toRepairedDevice(deviceId, hash);
      if (badFields.length > 0) {
        onUnreadable(new UnreadableError(`${badFields.join(' and ')} of device ${deviceId}`));
        await redis.hdel(keys.device(deviceId).record, ...badFields);
      }
      return device && { device, isRemoved: removed_at !== undefined };
    },
    async list() {
      const devices = await Promise.all((await ids()).map((deviceId) => skipUnreadable(get(deviceId), onUnreadable)));
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
      await writePace(redis, [keys.device(deviceId).record], [pace ? JSON.stringify(pace) : '']);
    },
    isGone: async (deviceId) => (await redis.exists(keys.device(deviceId).record)) === 0,
    beginRemoval: (deviceId, token) => beginRemoval(redis, keys, deviceId, token),
    async finishRemoval(deviceId, token) {
      const { jid } = await read(deviceId);
      const jids = jid === undefined ? [] : [jid, toBareJid(jid)];
      await finishRemoval(redis, keys, { deviceId, token, jids });
    },
  };
}

function alreadyExists(deviceId: string, why: string): Failure {
  return new Failure('DEVICE_ALREADY_EXISTS', `The device ${deviceId} ${why}`, { details: { device_id: deviceId } });
}
