import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type AcquireOptions, WeightedSemaphore } from './weighted-semaphore.ts';

/** A semaphore, and a way to ask it for admission that remembers who was admitted, in order. */
function observe(capacity: number, maxActive?: number) {
  const semaphore = new WeightedSemaphore(capacity, maxActive);
  const admitted: string[] = [];
  const ask = (name: string, weight: number, options?: AcquireOptions) =>
    semaphore.acquire(weight, options).then((release) => {
      admitted.push(name);
      return release;
    });
  return { semaphore, admitted, ask };
}

test('work is admitted up to the capacity, in the order it came', async () => {
  const { semaphore, admitted, ask } = observe(10);
  const [a, b, c, d] = [ask('a', 6), ask('b', 4), ask('c', 5), ask('d', 1)];
  await Promise.all([a, b]);
  await setImmediate();
  assert.deepEqual(admitted, ['a', 'b']);
  assert.deepEqual(semaphore.stats, { active: 2, waiting: 2, weight: 10 });
  (await b)();
  await setImmediate();
  assert.deepEqual(admitted, ['a', 'b'], 'the small one does not overtake');
  (await a)();
  (await c)();
  (await d)();
  assert.deepEqual(admitted, ['a', 'b', 'c', 'd']);
  assert.deepEqual(semaphore.stats, { active: 0, waiting: 0, weight: 0 });
});

test('owners take turns, however much one of them asks for', async () => {
  const { admitted, ask } = observe(1);
  const first = await ask('busy 1', 1, { owner: 'busy' });
  const rest = [
    ...[2, 3, 4].map((n) => ask(`busy ${n}`, 1, { owner: 'busy' })),
    ask('quiet 1', 1, { owner: 'quiet' }),
    ask('third 1', 1, { owner: 'third' }),
    ask('quiet 2', 1, { owner: 'quiet' }),
  ];
  first();
  for (const asked of rest) void asked.then((release) => release());
  await Promise.all(rest);
  assert.deepEqual(admitted, ['busy 1', 'busy 2', 'quiet 1', 'third 1', 'busy 3', 'quiet 2', 'busy 4']);
});

test('no more pieces are active than may be, however light they are', async () => {
  const { admitted, ask } = observe(100, 2);
  const releases = await Promise.all([ask('a', 1), ask('b', 1)]);
  const third = ask('c', 1);
  await setImmediate();
  assert.deepEqual(admitted, ['a', 'b']);
  releases[0]?.();
  (await third)();
  releases[1]?.();
});

test('work heavier than everything is admitted alone', async () => {
  const { semaphore, admitted, ask } = observe(10);
  const small = await ask('small', 1);
  const huge = ask('huge', 256);
  const next = ask('next', 1);
  await setImmediate();
  assert.deepEqual(admitted, ['small']);
  small();
  const release = await huge;
  await setImmediate();
  assert.deepEqual(admitted, ['small', 'huge']);
  release();
  (await next)();
  assert.deepEqual(semaphore.stats, { active: 0, waiting: 0, weight: 0 });
});

test('a waiter that aborts makes way for those behind it', async () => {
  const { semaphore, admitted, ask } = observe(10);
  const first = await ask('first', 5);
  const abort = new AbortController();
  const huge = ask('huge', 10, { signal: abort.signal });
  const small = ask('small', 5);
  abort.abort(new Error('cancelled'));
  await assert.rejects(huge, /cancelled/);
  (await small)();
  first();
  assert.deepEqual(admitted, ['first', 'small']);
  await assert.rejects(semaphore.acquire(1, { signal: AbortSignal.abort(new Error('late')) }), /late/);
  assert.deepEqual(semaphore.stats, { active: 0, waiting: 0, weight: 0 });
});
