import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reachability } from './reachability.ts';

function create() {
  const world = { now: 0, isReachable: false, asked: 0 };
  const reachability = new Reachability({
    unreachableMs: 1_000,
    clock: () => world.now,
    canReach: async () => {
      world.asked += 1;
      return world.isReachable;
    },
  });
  return { world, reachability };
}

test('a worker none of whose devices is connected is cut off when WhatsApp does not answer and reaches another one', async () => {
  const { world, reachability } = create();
  await reachability.look(['connecting', 'disconnected', 'unpaired'], true);
  world.now = 999;
  await reachability.look(['disconnected'], true);
  assert.equal(reachability.isCutOff, false);
  world.now = 1_000;
  await reachability.look(['disconnected'], true);
  assert.equal(reachability.isCutOff, true);
});

test('with a connected device, without another worker that is connected, or with nothing to connect it is not', async () => {
  const { world, reachability } = create();
  for (const [states, isOtherConnected] of [
    [['disconnected', 'connected'], true],
    [['disconnected'], false],
    [['logged_out', 'unpaired'], true],
  ] as const) {
    for (let times = 0; times < 3; times += 1) {
      world.now += 2_000;
      await reachability.look(states, isOtherConnected);
    }
    await reachability.look(['connected'], true);
  }
  assert.deepEqual([reachability.isCutOff, world.asked], [false, 0]);
});

test('when WhatsApp answers it is the accounts, and the worker keeps its devices', async () => {
  const { world, reachability } = create();
  world.isReachable = true;
  for (world.now = 0; world.now <= 3_000; world.now += 1_000) await reachability.look(['disconnected'], true);
  assert.deepEqual([reachability.isCutOff, world.asked], [false, 2]);
});

test('a worker that was cut off takes part again once WhatsApp answers', async () => {
  const { world, reachability } = create();
  for (world.now = 0; world.now <= 1_000; world.now += 1_000) await reachability.look(['disconnected'], true);
  world.now += 5_000;
  await reachability.look([], true);
  assert.equal(reachability.isCutOff, true);
  world.isReachable = true;
  world.now += 5_000;
  await reachability.look([], true);
  assert.equal(reachability.isCutOff, false);
});
