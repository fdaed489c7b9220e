import type { Keys } from '@postern/registry';
import type { Redis } from 'ioredis';
import { jobFor } from './job.fixture.ts';
import { createProducer } from './producer.ts';

/** Puts a message into the device's lane, record and job, as if it had been accepted at that time; answers its id. */
export async function acceptMessage(redis: Redis, keys: Keys, deviceId: string, createdAt: number): Promise<string> {
  const job = { ...jobFor(deviceId), accepted_at: createdAt, expires_at: createdAt + 3_600_000 };
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  await producer.announce(job);
  await producer.accept(job);
  return job.message_id;
}
