import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';

/** How long the content of a message, sent or seen, is kept for quotes and retry receipts: 7 days, in milliseconds. */
export const CONTENT_TTL_MS = 7 * 24 * 60 * 60 * 1000;

/** Whether the content of this message, sent by the device or seen by it, is still kept: then it can be quoted. */
export async function hasContent(redis: Redis, keys: Keys, deviceId: string, messageId: string): Promise<boolean> {
  return (await redis.exists(keys.device(deviceId).content(messageId))) === 1;
}
