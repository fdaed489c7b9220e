import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findOrderViolations } from './find-order-violations.ts';
import type { Sending } from './sending.ts';

const sending = (id: string, startedAt: number, acceptedAt: number | undefined, phone = 'p'): Sending => ({
  key: id,
  device: 'd',
  phone,
  sha256: '',
  startedAt,
  ...(acceptedAt === undefined ? {} : { acceptedAt }),
  ids: [id],
  refusals: new Map(),
  requests: 1,
});
const stanzas = (...ids: string[]) => ids.map((id) => ({ id }));

test('a message asked for after another was accepted must not be relayed before it', () => {
  const both = [sending('A', 0, 10), sending('B', 11, 20)];
  assert.deepEqual(findOrderViolations(both, stanzas('A', 'B')), []);
  const [violation, ...others] = findOrderViolations(both, stanzas('B', 'A'));
  assert.deepEqual([violation?.overtaken, violation?.overtaking, others.length], ['A', 'B', 0]);
});

test('a message sent again after its successor is no violation', () => {
  const both = [sending('A', 0, 10), sending('B', 11, 20)];
  assert.deepEqual(findOrderViolations(both, stanzas('A', 'B', 'A')), []);
});

test('what was asked for at the same time, in another chat, or never sent has no order', () => {
  assert.deepEqual(findOrderViolations([sending('A', 0, 10), sending('B', 10, 20)], stanzas('B', 'A')), []);
  assert.deepEqual(findOrderViolations([sending('A', 0, 10), sending('B', 11, 20, 'q')], stanzas('B', 'A')), []);
  assert.deepEqual(findOrderViolations([sending('A', 0, 10), sending('B', 11, 20)], stanzas('B')), []);
  assert.deepEqual(findOrderViolations([sending('A', 0, undefined), sending('B', 11, 20)], stanzas('B', 'A')), []);
});
