import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseLanes, MAX_LANES_SHOWN } from './choose-lanes.ts';

const ids = Array.from({ length: MAX_LANES_SHOWN + 50 }, (_, index) => `device-${1000 + index}`);

test('few lanes are all shown, by name', () => {
  assert.deepEqual(chooseLanes(['b', 'c', 'a'], new Map([['c', 3]]), undefined), ['a', 'b', 'c']);
});

test('of many, those with work and the one that is asked for come first', () => {
  const unsettled = new Map([
    ['device-1149', 1],
    ['device-1148', 9],
    ['gone', 99],
  ]);
  const shown = chooseLanes(ids, unsettled, 'device-1147');
  assert.equal(shown.length, MAX_LANES_SHOWN);
  assert.deepEqual(shown.slice(-4), ['device-1096', 'device-1147', 'device-1148', 'device-1149']);
});

test('a lane that is asked for and not among the devices is not shown', () => {
  assert.deepEqual(chooseLanes(['a'], new Map(), 'b'), ['a']);
});
