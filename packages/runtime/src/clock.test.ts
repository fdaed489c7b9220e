import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs, delay, within } from './clock.ts';

const never = new Promise<never>(() => {});

test('an unanswered promise fails after its bound with the given error', async () => {
  await assert.rejects(
    within(never, 1, () => new Error('too late')),
    /too late/,
  );
});

test('an abort ends the wait with the reason', async () => {
  const controller = new AbortController();
  const waiting = within(never, 60_000, () => new Error('too late'), controller.signal);
  controller.abort(new Error('socket closed'));
  await assert.rejects(waiting, /socket closed/);
  await assert.rejects(delay(60_000, controller.signal), /socket closed/);
});

test('backoff doubles to its cap and keeps at least half of the ceiling', () => {
  assert.equal(
    backoffMs(1, 100, 1000, () => 0),
    50,
  );
  assert.equal(
    backoffMs(3, 100, 1000, () => 1),
    400,
  );
  assert.equal(
    backoffMs(30, 100, 1000, () => 1),
    1000,
  );
});

test('a bound does not run on while its clock stands still', async () => {
  let now = 0;
  let isOver = false;
  const bounded = within(
    never,
    20,
    () => new Error('too late'),
    undefined,
    () => now,
  ).finally(() => {
    isOver = true;
  });
  await delay(100);
  assert.equal(isOver, false);
  now = 20;
  await assert.rejects(bounded, /too late/);
});
