import type { Keys } from '@postern/registry';
import type { Redis } from 'ioredis';
import { jobFor } from './job.fixture.ts';
import { createProducer } from './producer.ts';

/** Registers the device, unless it is there. */
export async function registerDevice(redis: Redis, keys: Keys, deviceId: string): Promise<void> {
  await redis.hsetnx(keys.device(deviceId).record, 'created_at', Date.now());
}

/** Puts a message into the device's lane, record and job, of a registered device, as if it had been accepted at that time; answers its id. */
export async function acceptMessage(redis: Redis, keys: Keys, deviceId: string, createdAt: number): Promise<string> {
  const job = { ...jobFor(deviceId), accepted_at: createdAt, expires_at: createdAt + 3_600_000 };
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  await registerDevice(redis, keys, deviceId);
  await producer.announce(job);
  await producer.accept(job);
  return job.message_id;
}
