import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlan, DISTURBANCE_KINDS } from './plan.ts';

const sizes = { messages: 1_000, devices: 3, gateways: 2, workers: 2, leaseTtlMs: 4_000 };

test('a seed gives its schedule again, and another seed another one', () => {
  assert.deepEqual(createPlan({ ...sizes, seed: 7 }), createPlan({ ...sizes, seed: 7 }));
  assert.notDeepEqual(createPlan({ ...sizes, seed: 7 }), createPlan({ ...sizes, seed: 8 }));
});

test('only the kinds that are asked for strike, one at a time', () => {
  const plan = createPlan({ ...sizes, seed: 7, only: ['kill_worker', 'stop_worker'] });
  assert.deepEqual(plan.map(({ disturbance }) => disturbance.kind).sort(), [
    'kill_worker',
    'kill_worker',
    'stop_worker',
    'stop_worker',
  ]);
  assert.ok(plan.every(({ alone }) => alone));
});

test('every kind strikes within each 500 messages, in their order, on what there is', () => {
  const plan = createPlan({ ...sizes, seed: 7 });
  const kinds = (from: number) =>
    new Set(plan.filter(({ at }) => at >= from && at < from + 500).map(({ disturbance }) => disturbance.kind));
  const once = DISTURBANCE_KINDS.filter(
    (kind) => plan.filter(({ disturbance }) => disturbance.kind === kind).length === 1,
  );
  assert.equal(once.length, 4);
  for (const kind of DISTURBANCE_KINDS) {
    if (!once.includes(kind)) assert.ok(kinds(0).has(kind) && kinds(500).has(kind), kind);
  }
  assert.deepEqual(
    plan.map(({ at }) => at),
    plan.map(({ at }) => at).toSorted((a, b) => a - b),
  );
  for (const { disturbance } of plan) {
    if ('device' in disturbance) assert.ok(disturbance.device < 3);
    if ('slot' in disturbance) assert.ok(disturbance.slot < 2);
  }
});

test('what stands between the processes and one server does not befall a cluster, and a long outage fits the run', () => {
  const kinds = new Set(createPlan({ ...sizes, seed: 7, redis: 'cluster' }).map(({ disturbance }) => disturbance.kind));
  assert.equal(kinds.size, DISTURBANCE_KINDS.length - 2);
  assert.ok(!kinds.has('half_open_redis') && !kinds.has('demote_redis'));
  const awayMs = (messages: number) =>
    createPlan({ ...sizes, messages, seed: 7, only: ['away_redis'] }).map(({ disturbance }) =>
      disturbance.kind === 'away_redis' ? disturbance.downMs : 0,
    );
  assert.deepEqual([awayMs(3_000), awayMs(200)], [[130_000], [13_000]]);
});
