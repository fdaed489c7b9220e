import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createShares } from './shares.ts';

/** How many slots the caller gets. */
function takeAll(shares: ReturnType<typeof createShares>, caller: string): (() => void)[] {
  const releases: (() => void)[] = [];
  for (let release = shares.take(caller); release; release = shares.take(caller)) releases.push(release);
  return releases;
}

test('a single caller gets every slot', () => {
  const shares = createShares(4, { isShared: false });
  assert.equal(takeAll(shares, 'only').length, 4);
  assert.equal(shares.inUse(), 4);
});

test('of several callers each gets half of what the others leave, whoever comes first', () => {
  const shares = createShares(64, { isShared: true });
  const first = takeAll(shares, 'a');
  assert.deepEqual([first.length, takeAll(shares, 'b').length, takeAll(shares, 'c').length], [32, 16, 8]);
  assert.equal(takeAll(shares, 'a').length, 0);
  for (const release of first) release();
  assert.equal(shares.inUse(), 24);
  assert.equal(takeAll(shares, 'c').length, 16);
  const one = createShares(1, { isShared: true });
  assert.equal(takeAll(one, 'a').length, 1);
});
