import type { DeviceKeys, FencedWrite } from '@postern/registry';
import {
  BufferJSON,
  proto,
  type SignalDataSet,
  type SignalDataTypeMap,
  type SignalKeyStore,
} from '@whiskeysockets/baileys';
import type { Redis } from 'ioredis';
import { BoundedCache } from '../bounded-cache.ts';
import type { OwnedWriter } from './owned-writer.ts';
import type { StateCipher } from './state-cipher.ts';

type KeyType = keyof SignalDataTypeMap;

const TYPES = {
  'pre-key': true,
  session: true,
  'sender-key': true,
  'sender-key-memory': true,
  'app-state-sync-key': true,
  'app-state-sync-version': true,
  'lid-mapping': true,
  'device-list': true,
  tctoken: true,
  'identity-key': true,
} satisfies Record<KeyType, true>;

/** Every type of Signal data that Baileys stores; each is one hash. */
export const SIGNAL_KEY_TYPES = Object.keys(TYPES);

const CACHED_VALUES = 2000;

export interface SignalKeyStoreOptions {
  redis: Redis;
  device: DeviceKeys;
  writer: OwnedWriter;
  cipher: StateCipher;
}

/**
 * Signal keys in Redis. Reads of one type are one HMGET, a transaction's writes are one fenced script. What was read or
 * written is remembered for the store's life, which is sound because only the lease's holder writes; a value whose write
 * fails stays remembered, so that a ratchet never goes back within this process.
 */
export function createSignalKeyStore({ redis, device, writer, cipher }: SignalKeyStoreOptions): SignalKeyStore {
  // `false` stands for a value known to be absent.
  const cache = new BoundedCache<unknown>(CACHED_VALUES);
  const context = (type: string, id: string) => `${device.signalKeys(type)}/${id}`;

  // Pre-keys are written by the hundred and hardly ever read.
  const remember = (type: KeyType, id: string, value: unknown) => {
    if (type !== 'pre-key') cache.set(context(type, id), value);
  };

  const read = async (type: KeyType, ids: string[]) => {
    const stored = await redis.hmgetBuffer(device.signalKeys(type), ...ids);
    return ids.map((id, index) => {
      // A write that came meanwhile is newer than what was read.
      const newer = cache.get(context(type, id));
      if (newer !== undefined) return newer;
      const sealed = stored[index];
      const value = sealed ? decode(type, cipher.open(sealed, context(type, id))) : false;
      remember(type, id, value);
      return value;
    });
  };

  const toWrite = (type: KeyType, values: Record<string, unknown>): FencedWrite[] => {
    const key = device.signalKeys(type);
    const fields: [string, Buffer][] = [];
    const removed: string[] = [];
    for (const [id, value] of Object.entries(values)) {
      remember(type, id, value ?? false);
      if (value === null || value === undefined) removed.push(id);
      else fields.push([id, cipher.seal(encode(value), context(type, id))]);
    }
    const writes: FencedWrite[] = [];
    if (fields.length > 0) writes.push({ command: 'HSET', key, fields });
    if (removed.length > 0) writes.push({ command: 'HDEL', key, fields: removed });
    return writes;
  };

  return {
    async get<T extends KeyType>(type: T, ids: string[]) {
      const found: Record<string, unknown> = {};
      const missing: string[] = [];
      for (const id of ids) {
        const cached = cache.get(context(type, id));
        if (cached === undefined) missing.push(id);
        else if (cached !== false) found[id] = cached;
      }
      if (missing.length > 0) {
        const values = await read(type, missing);
        missing.forEach((id, index) => {
          if (values[index] !== false) found[id] = values[index];
        });
      }
      return found as Record<string, SignalDataTypeMap[T]>;
    },
    async set(data: SignalDataSet) {
      const writes = Object.entries(data).flatMap(([type, values]) => toWrite(type as KeyType, values));
      if (writes.length > 0) await writer.write(writes);
    },
  };
}

function encode(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value, BufferJSON.replacer));
}

function decode(type: KeyType, text: Buffer): unknown {
  const value: unknown = JSON.parse(text.toString(), BufferJSON.reviver);
  if (type !== 'app-state-sync-key' || typeof value !== 'object' || value === null) return value;
  return proto.Message.AppStateSyncKeyData.fromObject(value);
}
