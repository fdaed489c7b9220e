import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Mail, SendImageJob } from '@postern/contract';
import { type LocalRedisCluster, startLocalRedisCluster } from '@postern/local-redis';
import {
  connectRedis,
  createDevices,
  createKeys,
  createLanePauses,
  createLeases,
  disconnectRedis,
} from '@postern/registry';
import { delay } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { acceptMessage, registerDevice } from './accept-message.fixture.ts';
import { jobFor } from './job.fixture.ts';
import { Lane } from './lane.ts';
import { hasJob, removeJob, toLaneKeys } from './lane-queue.ts';
import { readLaneStatus } from './lane-status.ts';
import { postMail, startMailbox } from './mailbox.ts';
import { createProducer, readDepths } from './producer.ts';
import { purgeLane } from './purge-lane.ts';
import { putBackJobs } from './put-back.ts';

let cluster: LocalRedisCluster;
let redis: Redis;
const keys = createKeys('test');
const connect = () => connectRedis({ url: cluster.url, name: 'test', profile: 'patient', onError: () => {} });

before(async () => {
  cluster = await startLocalRedisCluster({ password: 'secret' });
  redis = await connect();
});
after(async () => {
  disconnectRedis(redis);
  await cluster.stop();
});

/** A device (or process) on each node that nobody else has used. */
async function onEachNode(name: string, toKey: (id: string) => string): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; ids.filter((id) => id).length < 3; n += 1)
    ids[await cluster.nodeOf(toKey(`${name}-${n}`))] = `${name}-${n}`;
  return ids;
}

const devicesOnEachNode = (name: string) => onEachNode(name, (id) => keys.device(id).lease);

async function enqueue(deviceId: string, count: number): Promise<string[]> {
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  const jobs = Array.from({ length: count }, () => jobFor(deviceId));
  await registerDevice(redis, keys, deviceId);
  for (const job of jobs) await producer.accept(job);
  return jobs.map((job) => job.message_id);
}

async function acquire(workerId: string, deviceId: string) {
  const lease = await createLeases(redis, keys, { workerId, ttlMs: 600_000 }).acquire(deviceId);
  assert.ok(lease);
  return lease;
}

/** A lane whose messages are settled at once, with the ids in the order in which they were begun. */
async function openLane(deviceId: string) {
  const { token } = await acquire('w', deviceId);
  const begun: string[] = [];
  const process = async (job: SendImageJob) => {
    begun.push(job.message_id);
    return 'settled' as const;
  };
  const fail = () => {};
  const lane = new Lane({
    redis,
    keys,
    deviceId,
    leaseToken: token,
    concurrency: 4,
    process,
    onProblem: async () => {},
    onError: fail,
  });
  lane.resume();
  return { lane, begun };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'condition not met within 30 s');
    await delay(10);
  }
}

function kill(index: number): void {
  process.kill(cluster.nodes[index]?.pid ?? 0, 'SIGKILL');
}

test('lanes on every node tell their state, are paused and purged', async () => {
  const devices = await devicesOnEachNode('status');
  for (const deviceId of devices) {
    await createDevices(redis, keys).create(deviceId);
    const messageId = await acceptMessage(redis, keys, deviceId, Date.now());
    await createLanePauses(redis, keys).pause(deviceId);
    const status = await readLaneStatus(redis, keys, deviceId);
    assert.deepEqual([status?.waiting, typeof status?.pausedSince], [1, 'number']);
    const cancelled: string[] = [];
    for await (const chunk of purgeLane(redis, keys, deviceId, { recordTtlMs: 60_000 })) {
      cancelled.push(...chunk.cancelled);
    }
    assert.deepEqual(cancelled, [messageId]);
  }
});

test('lanes on every node are filled, read, and worked in order', async () => {
  const devices = await devicesOnEachNode('lane');
  const ids = await Promise.all(devices.map((deviceId) => enqueue(deviceId, 5)));
  assert.deepEqual(await readDepths(redis, keys, devices), [5, 5, 5]);
  const [first = '', ...others] = ids[0] ?? [];
  assert.ok(await hasJob(redis, keys, devices[0] ?? '', first));
  await removeJob(redis, keys, devices[0] ?? '', first);
  ids[0] = others;
  const lanes = await Promise.all(devices.map(openLane));
  await until(() => lanes.every(({ begun }, index) => begun.length === ids[index]?.length));
  assert.deepEqual(
    lanes.map(({ begun }) => begun),
    ids,
  );
  await Promise.all(lanes.map(({ lane }) => lane.close(1_000)));
  assert.deepEqual(await readDepths(redis, keys, devices), [0, 0, 0]);
});

test('a take-over on every node returns what was in hand, in order', async () => {
  for (const deviceId of await devicesOnEachNode('taken')) {
    const ids = await enqueue(deviceId, 4);
    const lease = await acquire('w', deviceId);
    const { wait, active } = toLaneKeys(keys, deviceId);
    for (let n = 0; n < 3; n += 1) await redis.rpoplpush(wait, active);
    assert.equal(await putBackJobs(redis, keys, { deviceId, token: 'w#0' }, { mode: 'all' }), -1);
    assert.equal(await putBackJobs(redis, keys, lease, { mode: 'all' }), 3);
    assert.deepEqual((await redis.lrange(wait, 0, -1)).toReversed(), ids);
  }
});

test('an open lane and a mailbox go on when their node, and then every node, was killed and came back', async () => {
  const [deviceId = ''] = await devicesOnEachNode('outage');
  const [processId = ''] = await onEachNode('gateway', (id) => keys.mailbox(id));
  for (const node of cluster.nodes.keys()) await setAlwaysDurable(node);
  const { lane, begun } = await openLane(deviceId);
  const letters: Mail[] = [];
  const onMail = (mail: Mail) => letters.push(mail);
  const box = await startMailbox({ redis: await connect(), keys, processId, onMail, onError: () => {} });
  const expectWork = async (rounds: number) => {
    await postMail(redis, keys, processId, { type: 'message_settled', message_id: String(rounds) });
    await enqueue(deviceId, 1);
    await until(() => begun.length === rounds && letters.length === rounds);
  };
  await expectWork(1);
  kill(0);
  await cluster.restart(0);
  await expectWork(2);
  for (const node of cluster.nodes.keys()) kill(node);
  await cluster.restart(0, 1, 2);
  await expectWork(3);
  assert.deepEqual(
    letters.map((mail) => mail.type === 'message_settled' && mail.message_id),
    ['1', '2', '3'],
  );
  await lane.close(1_000);
  await box.stop();
});

async function setAlwaysDurable(node: number): Promise<void> {
  const { port } = cluster.nodes[node] ?? {};
  const own = await connectRedis({
    url: `redis://:secret@127.0.0.1:${port}`,
    name: 'test',
    profile: 'patient',
    onError: () => {},
  });
  await own.config('SET', 'appendfsync', 'always');
  disconnectRedis(own);
}
