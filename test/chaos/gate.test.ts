import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gate } from './gate.ts';

const options = { ahead: 20, perSecond: undefined };
const planned = (at: number) => ({ disturbance: { kind: 'cut_socket' as const, device: 0 }, at, alone: true });

test('messages are numbered until there are no more', async () => {
  const gate = new Gate(3, [], options);
  const numbers = [await gate.begin(), await gate.begin(), await gate.begin(), await gate.begin()];
  assert.deepEqual(numbers, [0, 1, 2, undefined]);
});

test('a disturbance is due when so many have begun, and the others wait until it strikes', async () => {
  const gate = new Gate(100, [planned(5)], options);
  const due = gate.reached(5);
  for (let n = 0; n < 25; n += 1) await gate.begin();
  await due;
  let begun = false;
  const next = gate.begin().then(() => {
    begun = true;
  });
  await new Promise(setImmediate);
  assert.equal(begun, false);
  gate.struck();
  await next;
  assert.equal(gate.begun, 26);
});

test('a disturbance planned beyond the last message strikes at the end', async () => {
  const gate = new Gate(1, [planned(5)], options);
  await gate.begin();
  await gate.reached(5);
});

test('no more messages begin in a second than the pace allows', async () => {
  const gate = new Gate(10, [], { ...options, perSecond: 50 });
  const begun = performance.now();
  await Promise.all(Array.from({ length: 6 }, () => gate.begin()));
  assert.ok(performance.now() - begun >= 95, 'the sixth begins five times 20 ms after the first');
});
