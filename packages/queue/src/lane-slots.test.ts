import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLocalRedis } from '@postern/local-redis';
import { connectRedis, createKeys, createLeases } from '@postern/registry';
import { delay, withLifetime } from '@postern/runtime';
import { registerDevice } from './accept-message.fixture.ts';
import { jobFor } from './job.fixture.ts';
import { Lane } from './lane.ts';
import { createProducer } from './producer.ts';

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'not within 10 s');
    await delay(5);
  }
}

test('a lent slot is taken by another message, up to four times the concurrency in hand', async () => {
  await withLifetime(async (lifetime) => {
    const server = lifetime.use(await startLocalRedis(), (started) => started.stop());
    const options = { url: server.url, name: 'test', profile: 'patient', onError: () => {} } as const;
    const redis = lifetime.use(await connectRedis(options), (client) => client.disconnect());
    const keys = createKeys('test');
    const lease = await createLeases(redis, keys, { workerId: 'w', ttlMs: 60_000 }).acquire('d');
    assert.ok(lease);
    await registerDevice(redis, keys, 'd');
    const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
    for (let n = 0; n < 12; n += 1) await producer.accept(jobFor('d'));

    const release = Promise.withResolvers<void>();
    let lending = 0;
    const lane = new Lane({
      redis,
      keys,
      deviceId: 'd',
      leaseToken: lease.token,
      concurrency: 2,
      process: async (_job, _record, _takenAt, lendSlot) => {
        lending += 1;
        await lendSlot(() => release.promise);
        return 'settled';
      },
      onProblem: () => assert.fail('every job can be read'),
      onError: (error) => assert.fail(String(error)),
    });
    lane.resume();
    await until(() => lending === 8);
    assert.equal(lane.inHand, 8);
    release.resolve();
    await lane.drained();
    assert.equal(lending, 12);
    await lane.close(1_000);
    await lifetime.stop();
  });
});
