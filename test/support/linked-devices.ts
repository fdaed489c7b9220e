import { createKeys, type Keys, toBareJid } from '@postern/registry';
import type { Simulator } from '@postern/simulator';
import { type AuthenticationCreds, BufferJSON } from '@whiskeysockets/baileys';
import type { Redis } from 'ioredis';

/**
 * Registers devices that are linked already, each to a phone of its own: their credentials are written, not paired one
 * by one. Numbers are `first` and those after it.
 */
export async function registerLinkedDevices(
  { simulator, redis, keys = createKeys('postern') }: { simulator: Simulator; redis: Redis; keys?: Keys },
  deviceIds: string[],
  first = 628_500_000_000,
): Promise<void> {
  for (const [index, deviceId] of deviceIds.entries()) {
    const number = String(first + index);
    simulator.addPhone({ number });
    await writeLinkedDevice(redis, keys, deviceId, simulator.issueCredentials(number));
  }
}

/** Registers one device with the credentials of a link that exists. */
export async function writeLinkedDevice(
  redis: Redis,
  keys: Keys,
  deviceId: string,
  credentials: AuthenticationCreds,
): Promise<void> {
  const { record, credentials: credentialsKey } = keys.device(deviceId);
  const jid = credentials.me?.id ?? '';
  const now = Date.now();
  const connection = JSON.stringify({ state: 'disconnected', since: now });
  const plain = Buffer.concat([Buffer.of(0), Buffer.from(JSON.stringify(credentials, BufferJSON.replacer))]);
  await redis.hset(credentialsKey, 'creds', plain);
  await redis.hset(record, { created_at: now, connection, jid });
  await redis.hset(keys.jids, jid, deviceId, toBareJid(jid), deviceId);
  await redis.sadd(keys.devices, deviceId);
}
