import type { SendImageJob } from '@postern/contract';
import type { Keys } from '@postern/registry';
import type { Redis } from 'ioredis';
import { toLaneKeys } from './lane-queue.ts';
import { readTakenJob } from './read-taken-job.ts';

/** The ids of the messages that will be taken in hand next, the very next one first; at most `count`. */
export async function peekIds(redis: Redis, keys: Keys, deviceId: string, count: number): Promise<string[]> {
  const { wait } = toLaneKeys(keys, deviceId);
  return (await redis.lrange(wait, -count, -1)).toReversed();
}

/** What these messages of a lane are, without those that are gone or cannot be read. */
export async function readJobs(
  redis: Redis,
  keys: Keys,
  deviceId: string,
  messageIds: readonly string[],
): Promise<SendImageJob[]> {
  if (messageIds.length === 0) return [];
  const { jobPrefix } = toLaneKeys(keys, deviceId);
  const pipeline = redis.pipeline();
  for (const id of messageIds) pipeline.hmget(jobPrefix + id, 'name', 'data');
  const answers = (await pipeline.exec()) ?? [];
  return answers.flatMap(([error, fields]) => {
    if (error) return [];
    const [kind, json] = fields as (string | null)[];
    const job = readTakenJob({ kind: kind ?? '', json: json ?? '', record: [], damage: '' });
    return 'payload' in job ? [job.payload] : [];
  });
}
