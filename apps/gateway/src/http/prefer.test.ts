import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrefer, toPreferenceApplied } from './prefer.ts';

const CASES: [header: string | undefined, respondAsync: boolean, waitMs: number | undefined][] = [
  [undefined, false, undefined],
  ['', false, undefined],
  ['respond-async', true, undefined],
  ['Respond-Async', true, undefined],
  ['wait=10', false, 10_000],
  ['wait="10"', false, 10_000],
  ['wait = 10', false, 10_000],
  ['wait=0', false, 0],
  ['wait=120', false, 120_000],
  ['wait=121', false, undefined],
  ['wait=-1', false, undefined],
  ['wait=soon', false, undefined],
  ['wait', false, undefined],
  ['wait=5=6', false, undefined],
  ['wait=10, wait=20', false, 10_000],
  ['respond-async, wait=10', true, 10_000],
  ['return=minimal; foo="bar", respond-async; x=1', true, undefined],
  [',,;=,"', false, undefined],
];
for (const [header, respondAsync, waitMs] of CASES) {
  test(`Prefer: ${header} is understood`, () => {
    assert.deepEqual(parsePrefer(header), waitMs === undefined ? { respondAsync } : { respondAsync, waitMs });
  });
}

test('a million spaces are read in one pass', () => {
  const spaces = ' '.repeat(1_000_000);
  assert.deepEqual(parsePrefer(`a${spaces}b, wait${spaces}=${spaces}5${spaces}`), {
    respondAsync: false,
    waitMs: 5_000,
  });
});

test('only honoured preferences are named', () => {
  assert.equal(toPreferenceApplied({ respondAsync: false }), undefined);
  assert.equal(toPreferenceApplied({ respondAsync: true, waitMs: 5_000 }), 'respond-async, wait=5');
});
