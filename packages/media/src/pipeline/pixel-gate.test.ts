import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { PixelGate } from './pixel-gate.ts';

/** Asks for admission and remembers who was admitted, in order. */
function ask(gate: PixelGate, admitted: string[], name: string, weight: number, signal?: AbortSignal) {
  return gate.acquire(weight, signal).then((release) => {
    admitted.push(name);
    return release;
  });
}

test('work is admitted up to the capacity, in the order it came', async () => {
  const gate = new PixelGate(10);
  const admitted: string[] = [];
  const [a, b, c, d] = [
    ask(gate, admitted, 'a', 6),
    ask(gate, admitted, 'b', 4),
    ask(gate, admitted, 'c', 5),
    ask(gate, admitted, 'd', 1),
  ];
  await Promise.all([a, b]);
  await setImmediate();
  assert.deepEqual(admitted, ['a', 'b']);
  assert.deepEqual(gate.stats, { active: 2, waiting: 2, pixelsInFlight: 10 });
  (await b)();
  await setImmediate();
  assert.deepEqual(admitted, ['a', 'b'], 'the small one does not overtake');
  (await a)();
  (await c)();
  (await d)();
  assert.deepEqual(admitted, ['a', 'b', 'c', 'd']);
  assert.deepEqual(gate.stats, { active: 0, waiting: 0, pixelsInFlight: 0 });
});

test('work heavier than everything is admitted alone', async () => {
  const gate = new PixelGate(10);
  const admitted: string[] = [];
  const small = await ask(gate, admitted, 'small', 1);
  const huge = ask(gate, admitted, 'huge', 256);
  const next = ask(gate, admitted, 'next', 1);
  await setImmediate();
  assert.deepEqual(admitted, ['small']);
  small();
  const release = await huge;
  await setImmediate();
  assert.deepEqual(admitted, ['small', 'huge']);
  release();
  (await next)();
  assert.deepEqual(gate.stats, { active: 0, waiting: 0, pixelsInFlight: 0 });
});

test('a waiter that aborts makes way for those behind it', async () => {
  const gate = new PixelGate(10);
  const admitted: string[] = [];
  const first = await ask(gate, admitted, 'first', 5);
  const abort = new AbortController();
  const huge = ask(gate, admitted, 'huge', 10, abort.signal);
  const small = ask(gate, admitted, 'small', 5);
  abort.abort(new Error('cancelled'));
  await assert.rejects(huge, /cancelled/);
  (await small)();
  first();
  assert.deepEqual(admitted, ['first', 'small']);
  await assert.rejects(gate.acquire(1, AbortSignal.abort(new Error('late'))), /late/);
  assert.deepEqual(gate.stats, { active: 0, waiting: 0, pixelsInFlight: 0 });
});
