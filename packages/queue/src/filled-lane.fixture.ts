import assert from 'node:assert/strict';
import { createLeases, type Keys } from '@postern/registry';
import { delay } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { registerDevice } from './accept-message.fixture.ts';
import { jobFor } from './job.fixture.ts';
import { Lane, type LaneOptions } from './lane.ts';
import { createProducer } from './producer.ts';
import { finishJob } from './settle-jobs.ts';

/** Enqueues `count` messages, and works them by `process`. */
export async function openFilledLane(
  { redis, keys }: { redis: Redis; keys: Keys },
  deviceId: string,
  count: number,
  process: LaneOptions['process'],
) {
  const leases = createLeases(redis, keys, { workerId: 'w', ttlMs: 60_000 });
  const lease = await leases.acquire(deviceId);
  assert.ok(lease);
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  const ids: string[] = [];
  await registerDevice(redis, keys, deviceId);
  for (let n = 0; n < count; n += 1) {
    const job = jobFor(deviceId);
    ids.push(job.message_id);
    await producer.accept(job);
  }
  const errors: unknown[] = [];
  const lane = new Lane({
    redis,
    keys,
    deviceId,
    leaseToken: lease.token,
    concurrency: 4,
    process,
    onProblem: async (id, { error }, fate) => {
      errors.push(error);
      if (fate === 'ended') await finishJob(redis, keys, lease, id);
    },
    onError: (error) => errors.push(error),
  });
  return { lane, ids, lease, leases, errors };
}

/** Waits for the condition; fails after 10 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'condition not met within 10 s');
    await delay(5);
  }
}
