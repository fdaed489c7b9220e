import type { DeviceKeys } from '@postern/registry';
import type { Redis } from 'ioredis';
import type { OwnedWriter } from './credentials/owned-writer.ts';
import { lookUpFailure } from './look-up-failure.ts';

const FOUND_TTL_MS = 12 * 60 * 60 * 1000;
const NOBODY_TTL_MS = 10 * 1000;
const NOBODY = '-';

/** Asks who is on WhatsApp under a JID; undefined when there was no answer. */
export type Ask = (jid: string) => Promise<{ jid: string; exists: boolean }[] | undefined>;

/**
 * The JID under which WhatsApp knows a number (it may differ from the number asked for), or undefined when nobody is
 * there; remembered for 12 hours and 10 seconds. Throws a retryable SEND_FAILED when WhatsApp did not answer.
 */
export async function lookUpPerson(
  jid: string,
  ask: Ask,
  { redis, device, writer }: { redis: Redis; device: DeviceKeys; writer: OwnedWriter },
): Promise<string | undefined> {
  const key = device.lookup(jid);
  const known = await redis.get(key);
  if (known !== null) return known === NOBODY ? undefined : known;
  const answer = await ask(jid).catch((error: unknown) => {
    throw lookUpFailure('the number', error);
  });
  if (answer === undefined) throw lookUpFailure('the number');
  const found = answer.find(({ exists }) => exists)?.jid;
  const ttlMs = found === undefined ? NOBODY_TTL_MS : FOUND_TTL_MS;
  await writer.write([{ command: 'SET', key, value: found ?? NOBODY, ttlMs }]);
  return found;
}
