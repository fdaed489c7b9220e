import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { connectRedis, createKeys, createLeases } from '@postern/registry';
import { delay } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { registerDevice } from './accept-message.fixture.ts';
import { openFilledLane, until } from './filled-lane.fixture.ts';
import { jobFor } from './job.fixture.ts';
import { Lane, type LaneOptions } from './lane.ts';
import { openLaneQueue, toLaneKeys } from './lane-queue.ts';
import { peekIds, readJobs } from './peek.ts';
import { createProducer, readDepths } from './producer.ts';
import { putBackJobs } from './put-back.ts';
import { takeJobs } from './take-jobs.ts';

let server: LocalRedis;
let redis: Redis;
const keys = createKeys('test');

before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
});
after(async () => {
  redis.disconnect();
  await server.stop();
});

const openLane = (deviceId: string, count: number, process: LaneOptions['process']) =>
  openFilledLane({ redis, keys }, deviceId, count, process);

test('messages are begun in the order of the lane, several at once, and leave nothing behind', async () => {
  const begun: string[] = [];
  let most = 0;
  let now = 0;
  const { lane, ids, errors } = await openLane('order', 20, async (job) => {
    begun.push(job.message_id);
    now += 1;
    most = Math.max(most, now);
    await until(() => most === 4);
    await delay(Math.random() * 3);
    now -= 1;
    return 'settled';
  });
  lane.resume();
  await until(() => begun.length === 20 && lane.inHand === 0);
  await lane.close(1000);
  assert.deepEqual(begun, ids);
  assert.equal(most, 4);
  assert.deepEqual(errors, []);
  const left = await redis.keys('test:{order}:lane:*');
  assert.deepEqual(
    left.filter((key) => !/:(meta|id|events|marker)$/.test(key)),
    [],
  );
});

test('a paused lane takes nothing, and what arrives meanwhile is worked after it resumes', async () => {
  const begun: string[] = [];
  const { lane, ids } = await openLane('paused', 0, async (job) => {
    begun.push(job.message_id);
    return 'settled';
  });
  lane.resume();
  // The read blocks now; pausing must keep the job that wakes it.
  await delay(50);
  lane.pause();
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  const job = jobFor('paused');
  await producer.accept(job);
  await until(
    async () =>
      (await readDepths(redis, keys, ['paused']))[0] === 1 &&
      (await redis.llen(toLaneKeys(keys, 'paused').active)) === 0,
  );
  assert.deepEqual(begun, []);
  lane.resume();
  await until(() => begun.length === 1);
  assert.deepEqual(begun, [...ids, job.message_id]);
  await lane.close(1000);
});

test('closing a lane returns what was not settled to its front, in order', async () => {
  const begun: string[] = [];
  const { lane, ids } = await openLane('front', 6, async (job) => {
    begun.push(job.message_id);
    await until(() => begun.length >= 4);
    return job.message_id === begun[1] ? 'settled' : 'released';
  });
  lane.resume();
  await until(() => begun.length >= 4);
  await lane.close(1000);
  const waiting = (await redis.lrange(toLaneKeys(keys, 'front').wait, 0, -1)).toReversed();
  assert.deepEqual(
    waiting,
    ids.filter((id) => id !== begun[1]),
  );
  assert.equal(await redis.llen(toLaneKeys(keys, 'front').active), 0);
});

test('a take-over returns what a dead owner had in hand, in order, and refuses the dead owner’s finish', async () => {
  const finish: (() => void)[] = [];
  const first = await openLane('dead', 6, () => new Promise((resolve) => finish.push(() => resolve('settled'))));
  first.lane.resume();
  await until(() => finish.length === 4);
  await first.leases.release(first.lease);
  const lease = await createLeases(redis, keys, { workerId: 'w2', ttlMs: 60_000 }).acquire('dead');
  assert.ok(lease);
  assert.equal(await putBackJobs(redis, keys, first.lease, { mode: 'all' }), -1);
  assert.equal(await putBackJobs(redis, keys, lease, { mode: 'all' }), 4);
  const waiting = await redis.lrange(toLaneKeys(keys, 'dead').wait, 0, -1);
  assert.deepEqual(waiting.toReversed(), first.ids);
  for (const release of finish) release();
  await first.lane.close(1000);
  assert.equal(await redis.llen(toLaneKeys(keys, 'dead').wait), 6);
});

test('a job whose fetch was answered to nobody is worked in its place', async () => {
  const begun: string[] = [];
  const { lane, ids, errors } = await openLane('unanswered', 5, async (job) => {
    begun.push(job.message_id);
    return 'settled';
  });
  const { wait, active } = toLaneKeys(keys, 'unanswered');
  for (let n = 0; n < 2; n += 1) await redis.rpoplpush(wait, active);
  lane.resume();
  await until(() => begun.length === 5 && lane.inHand === 0);
  await lane.close(1000);
  assert.deepEqual(begun, ids);
  assert.deepEqual(errors, []);
});

test('closing a lane ends its blocking read at once', async () => {
  const { lane } = await openLane('idle', 0, async () => 'settled');
  lane.resume();
  await delay(50);
  const started = performance.now();
  await lane.close(1000);
  assert.ok(performance.now() - started < 3000);
});

test('a lane is not drained while a message is being fetched', async (t) => {
  const { lane } = await openLane('drained', 1, async () => 'settled');
  t.after(() => lane.close(0));
  const { wait, active } = toLaneKeys(keys, 'drained');
  await redis.rpoplpush(wait, active);
  let isDrained = false;
  const drained = lane.drained().then(() => {
    isDrained = true;
  });
  await delay(100);
  assert.equal(isDrained, false);
  await redis.del(active);
  await drained;
});

test('a fetch whose answer was lost is repeated by the next one, in order', async () => {
  const { lane, ids, lease } = await openLane('lost', 5, async () => 'settled');
  const take = async (most: number, inHand: string[]) =>
    (await takeJobs(redis, keys, lease, { most, inHand }))?.map(({ id }) => id);
  assert.deepEqual(await take(2, []), ids.slice(0, 2));
  assert.deepEqual(await take(3, []), ids.slice(0, 3));
  assert.deepEqual(await take(2, ids.slice(0, 1)), ids.slice(1, 3));
  assert.deepEqual(await take(9, ids.slice(0, 3)), ids.slice(3));
  await lane.close(0);
});

test('a worker takes nothing once another has had a turn', async () => {
  const { lane, lease, leases } = await openLane('unheld', 1, async () => 'settled');
  await leases.release(lease);
  assert.ok(await createLeases(redis, keys, { workerId: 'w2', ttlMs: 60_000 }).acquire('unheld'));
  assert.equal(await takeJobs(redis, keys, lease, { most: 1, inHand: [] }), undefined);
  assert.equal(await redis.llen(toLaneKeys(keys, 'unheld').wait), 1);
  await lane.close(0);
});

test('a message that could not be settled is taken again', async () => {
  let calls = 0;
  const { lane, errors } = await openLane('again', 1, async () => {
    calls += 1;
    if (calls === 1) throw new Error('not this time');
    return 'settled';
  });
  lane.resume();
  await until(() => calls === 2 && lane.inHand === 0);
  await lane.close(1000);
  assert.equal(errors.length, 1);
});

test('BullMQ’s own tools see what waits and what is in hand, pause the lane, and spare what is in hand', async (t) => {
  const { lane, ids } = await openLane('tools', 5, () => new Promise(() => {}));
  const queue = await openLaneQueue(redis, keys, 'tools');
  t.after(() => queue.close());
  lane.resume();
  await until(() => lane.inHand === 4);
  assert.deepEqual(await queue.getJobCounts('wait', 'active'), { wait: 1, active: 4 });
  const active = await queue.getActive();
  assert.deepEqual(
    active.map(({ id, data }) => [id, data.message_id]),
    ids.slice(0, 4).map((id) => [id, id]),
  );
  assert.ok(active.every(({ processedOn }) => Date.now() - (processedOn ?? 0) < 10_000));
  assert.equal(await queue.remove(ids[0] ?? ''), 0);
  assert.equal(await queue.remove(ids[4] ?? ''), 1);
  await lane.close(0);
  await queue.pause();
  const second = openedAgain('tools');
  second.lane.resume();
  await delay(50);
  assert.equal(second.lane.inHand, 0);
  await queue.resume();
  await until(() => second.begun.length === 4);
  assert.deepEqual(second.begun, ids.slice(0, 4));
  await second.lane.close(0);

  function openedAgain(deviceId: string) {
    const begun: string[] = [];
    const opened = new Lane({
      redis,
      keys,
      deviceId,
      leaseToken: 'w#1',
      concurrency: 4,
      process: async (job) => {
        begun.push(job.message_id);
        return 'settled';
      },
      onProblem: async () => {},
      onError: (error) => assert.fail(String(error)),
    });
    return { lane: opened, begun };
  }
});

test('what comes next can be read without being taken', async () => {
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  await registerDevice(redis, keys, 'peeked');
  const jobs = [1, 2, 3].map(() => jobFor('peeked'));
  for (const job of jobs) await producer.accept(job);
  const ids = jobs.map((job) => job.message_id);
  assert.deepEqual(await peekIds(redis, keys, 'peeked', 2), ids.slice(0, 2));
  assert.deepEqual(await peekIds(redis, keys, 'peeked', 10), ids);
  assert.deepEqual(await readJobs(redis, keys, 'peeked', [ids[1] ?? '', 'gone']), [jobs[1]]);
  assert.deepEqual(await readJobs(redis, keys, 'peeked', []), []);
});
