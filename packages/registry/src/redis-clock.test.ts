import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { delay, monotonicMs } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { connectRedis, disconnectRedis } from './connect.ts';
import { createKeys } from './keys.ts';
import { type RedisClock, startRedisClock } from './redis-clock.ts';

async function start(t: TestContext, profile: 'fast' | 'patient', marginMs = 0) {
  const server = await startLocalRedis();
  const redis = await connectRedis({ url: server.url, name: 'test', profile, onError: () => {} });
  const clock = startRedisClock(redis, createKeys('t'), { marginMs });
  t.after(async () => {
    clock.stop();
    disconnectRedis(redis);
    await server.stop();
  });
  return { server, redis, clock };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = monotonicMs() + 10_000; !holds(); await delay(10)) assert.ok(monotonicMs() < end, what);
}

/** Makes Redis refuse writes, or take them again: it wants a replica, and has none. */
async function refuseWrites({ url }: LocalRedis, refuse: boolean): Promise<void> {
  const operator: Redis = await connectRedis({ url, name: 'operator', profile: 'patient', onError: () => {} });
  await operator.config('SET', 'min-replicas-to-write', refuse ? '1' : '0');
  disconnectRedis(operator);
}

/** Lets the outage last for a while, ends it, and answers what the clock made of it. */
async function sitOut(clock: RedisClock, end: () => Promise<void>) {
  await until('the outage is noticed', () => clock.awayMs() > 0);
  const [stoodAt, since] = [clock.clock(), Date.now()];
  // Twice what is asked below, however late it was noticed on a busy machine.
  await until('it lasts', () => clock.awayMs() > 2_000);
  assert.ok(Math.abs(clock.clock() - stoodAt) < 1);
  await end();
  await until('its end is noticed', () => clock.awayMs() === 0);
  return { movedMs: clock.clock() - stoodAt, servedMs: clock.servedSince(since), passedMs: Date.now() - since };
}

for (const profile of ['fast', 'patient'] as const) {
  test(`the clock of a ${profile} connection stands still while Redis is silent, and goes on afterwards`, async (t) => {
    const { server, clock } = await start(t, profile);
    process.kill(server.pid, 'SIGSTOP');
    const { movedMs, servedMs, passedMs } = await sitOut(clock, async () => {
      process.kill(server.pid, 'SIGCONT');
    });
    assert.ok(passedMs > 1_000 && movedMs < passedMs - 950, `${movedMs} of ${passedMs} ms`);
    assert.ok(servedMs < passedMs - 950, `${servedMs} of ${passedMs} ms`);
    const before = clock.clock();
    await until('it goes on', () => clock.clock() - before > 20);
  });
}

test('a Redis that answers and refuses writes is away', async (t) => {
  const { server, clock } = await start(t, 'patient');
  await refuseWrites(server, true);
  const { movedMs, passedMs } = await sitOut(clock, () => refuseWrites(server, false));
  assert.ok(movedMs < passedMs - 950, `${movedMs} of ${passedMs} ms`);
});

test('a Redis whose memory is full is there: what only removes is taken', async (t) => {
  const { redis, clock } = await start(t, 'patient');
  await redis.config('SET', 'maxmemory', '1mb');
  await assert.rejects(redis.set('t:big', 'x'), /OOM/);
  const before = clock.clock();
  await until('the clock goes on', () => clock.clock() - before > 600);
  assert.equal(clock.awayMs(), 0);
});

test('around an outage more time may be left out, for what is not known at once afterwards', async (t) => {
  const { server, clock } = await start(t, 'patient', 60_000);
  process.kill(server.pid, 'SIGSTOP');
  await sitOut(clock, async () => {
    process.kill(server.pid, 'SIGCONT');
  });
  assert.equal(clock.servedSince(Date.now() - 30_000), 0);
  assert.ok(clock.servedSince(Date.now() - 120_000) >= 40_000);
});
