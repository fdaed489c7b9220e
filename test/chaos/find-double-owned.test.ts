import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findDoubleOwned, isExcused } from './find-double-owned.ts';

const event = (type: 'opened' | 'closed', device: string, socket: number, at: number) => ({ type, device, socket, at });

test('one socket after the other is no overlap, also at the same millisecond', () => {
  const events = [event('opened', 'a', 1, 0), event('opened', 'b', 2, 1), event('closed', 'a', 1, 5)];
  assert.deepEqual(findDoubleOwned([...events, event('opened', 'a', 3, 5)]), []);
});

test('a login over an open socket counts from there to the end of the former', () => {
  const events = [event('opened', 'a', 1, 0), event('opened', 'a', 2, 10), event('closed', 'a', 1, 17)];
  assert.deepEqual(findDoubleOwned(events), [{ device: 'a', at: 10, durationMs: 7 }]);
});

test('an overlap that ended at once counts as one millisecond, one that never ended to the last event', () => {
  const atOnce = [event('opened', 'a', 1, 0), event('opened', 'a', 2, 10), event('closed', 'a', 1, 10)];
  assert.equal(findDoubleOwned(atOnce)[0]?.durationMs, 1);
  const never = [event('opened', 'a', 1, 0), event('opened', 'a', 2, 10), event('opened', 'b', 3, 50)];
  assert.equal(findDoubleOwned(never)[0]?.durationMs, 40);
});

test('only the devices of a frozen worker are excused, and only until it has had the time of a lease to let go', () => {
  const frozen = [{ devices: ['a'], from: 100, to: 300 }];
  const at = (device: string, when: number) => isExcused({ device, at: when, durationMs: 1 }, frozen, 50);
  assert.deepEqual(
    [at('a', 99), at('a', 100), at('a', 350), at('a', 351), at('b', 200)],
    [false, true, true, false, false],
  );
});
