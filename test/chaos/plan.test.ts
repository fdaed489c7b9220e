import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlan } from './plan.ts';

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
  assert.equal(kinds(0).size, 12);
  assert.deepEqual(kinds(500), kinds(0));
  assert.deepEqual(
    plan.map(({ at }) => at),
    plan.map(({ at }) => at).toSorted((a, b) => a - b),
  );
  for (const { disturbance } of plan) {
    if ('device' in disturbance) assert.ok(disturbance.device < 3);
    if ('slot' in disturbance) assert.ok(disturbance.slot < 2);
  }
});
