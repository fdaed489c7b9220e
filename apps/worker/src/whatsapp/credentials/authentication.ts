import type { DeviceKeys } from '@postern/registry';
import { type AuthenticationCreds, type AuthenticationState, BufferJSON, initAuthCreds } from '@whiskeysockets/baileys';
import type { Redis } from 'ioredis';
import type { OwnedWriter } from './owned-writer.ts';
import { createSignalKeyStore, SIGNAL_KEY_TYPES } from './signal-key-store.ts';
import type { StateCipher } from './state-cipher.ts';

/** Of the hash of a device's credentials. */
export const FIELD = 'creds';

/** A device's credentials and keys, kept in Redis under its lease. */
export interface Authentication {
  state: AuthenticationState;
  /** Whether an account is linked with these credentials. */
  isPaired(): boolean;
  /** Stores the credentials as they are now; writes nothing before the pairing is complete. */
  save(): Promise<void>;
}

export interface AuthenticationOptions {
  redis: Redis;
  device: DeviceKeys;
  writer: OwnedWriter;
  cipher: StateCipher;
}

/**
 * Reads a device's credentials, or makes new ones when none are stored. What a pairing leaves behind when it is not
 * completed is never stored: Baileys would try to log in with it. Throws StateKeyError when they cannot be decrypted.
 */
export async function loadAuthentication(options: AuthenticationOptions): Promise<Authentication> {
  const { redis, device, writer, cipher } = options;
  const context = `${device.credentials}/${FIELD}`;
  const stored = await redis.hgetBuffer(device.credentials, FIELD);
  const creds = stored ? parseCreds(cipher.open(stored, context)) : initAuthCreds();
  const keys = createSignalKeyStore(options);
  return {
    state: { creds, keys },
    isPaired: () => isPaired(creds),
    async save() {
      if (!isPaired(creds)) return;
      const sealed = cipher.seal(Buffer.from(JSON.stringify(creds, BufferJSON.replacer)), context);
      await writer.write([{ command: 'HSET', key: device.credentials, fields: [[FIELD, sealed]] }]);
    },
  };
}

/** Removes a device's credentials and keys, which need not be readable, and what it has learned of its chats. */
export async function clearAuthentication(device: DeviceKeys, writer: OwnedWriter): Promise<void> {
  const keys = [device.credentials, device.timers, ...SIGNAL_KEY_TYPES.map((type) => device.signalKeys(type))];
  await writer.write(keys.map((key) => ({ command: 'DEL', key })));
}

/** `account` is what the phone signs at the end of a pairing. */
function isPaired(creds: AuthenticationCreds): boolean {
  return creds.account !== undefined && creds.me !== undefined;
}

function parseCreds(text: Buffer): AuthenticationCreds {
  return JSON.parse(text.toString(), BufferJSON.reviver) as AuthenticationCreds;
}
