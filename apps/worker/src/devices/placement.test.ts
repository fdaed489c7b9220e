import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fairShare, type PlacementView, toClaim, toRelease } from './placement.ts';

const RULES = { orphanMs: 30_000, maxClaims: 10, ranOutMs: 2_500 };
const NOW = 1_000_000;
const ids = (count: number, name = 'd') => Array.from({ length: count }, (_, index) => `${name}${index}`);
const ranOut = (deviceIds: string[], since = NOW - RULES.ranOutMs) =>
  deviceIds.map((deviceId) => ({ deviceId, since, vacancy: 'ran_out' as const }));
const letGo = (deviceIds: string[], vacancy: 'let_go' | 'new' = 'let_go') =>
  deviceIds.map((deviceId) => ({ deviceId, since: NOW, vacancy }));
const idle = (deviceIds: string[]) => deviceIds.map((deviceId) => ({ deviceId, busy: false, pairing: false }));

function view(more: Partial<PlacementView>): PlacementView {
  const nothing = { unowned: [], owned: [], expiredClaimsPausedUntil: 0, releasedClaimsPausedUntil: 0 };
  return { now: NOW, others: [], devices: 0, ...nothing, ...more };
}

test('the fair share rounds up, and no worker divides by nothing', () => {
  assert.deepEqual([fairShare(40, 2), fairShare(40, 3), fairShare(1, 5), fairShare(3, 0)], [20, 14, 1, 3]);
});

test('a worker claims up to its fair share and leaves the rest to the others', () => {
  const unowned = letGo(ids(5));
  assert.deepEqual(toClaim(view({ devices: 5, others: [0], unowned }), RULES), ids(3));
  assert.deepEqual(toClaim(view({ devices: 5, others: [0], unowned, owned: idle(ids(3, 'x')) }), RULES), []);
});

test('a device nobody takes is an orphan, and anybody’s', () => {
  const unowned = ranOut(['lost'], NOW - 30_000);
  assert.deepEqual(toClaim(view({ devices: 2, others: [0], unowned, owned: idle(['x']) }), RULES), ['lost']);
});

test('claims are spread, so that not everything connects at once', () => {
  assert.equal(toClaim(view({ devices: 100, unowned: letGo(ids(100)) }), RULES).length, 10);
});

test('what was let go is claimed at once, what ran out when its holder had time to renew it', () => {
  const unowned = [...ranOut(['slow'], NOW - 1), ...letGo(['free']), ...ranOut(['dead'])];
  assert.deepEqual(toClaim(view({ devices: 3, unowned }), RULES), ['free', 'dead']);
});

test('after Redis was away only what was let go is claimed, for a whole TTL, and nothing moves', () => {
  const unowned = [...ranOut(['a']), ...letGo(ids(3))];
  const back = view({ devices: 4, others: [0], unowned, expiredClaimsPausedUntil: NOW + 1 });
  assert.deepEqual(toClaim(back, RULES), ['d0', 'd1']);
  assert.equal(toRelease({ ...back, unowned: [], owned: idle(ids(5)), devices: 5 }), undefined);
});

test('after Redis was restarted what was let go is not claimed for a while, and what is new is', () => {
  const unowned = [...letGo(['b']), ...letGo(['c'], 'new')];
  assert.deepEqual(toClaim(view({ devices: 2, unowned, releasedClaimsPausedUntil: NOW + 1 }), RULES), ['c']);
});

test('a worker with more than the others lets go of an idle device first', () => {
  const owned = [
    { deviceId: 'busy', busy: true, pairing: false },
    { deviceId: 'idle', busy: false, pairing: false },
  ];
  assert.equal(toRelease(view({ devices: 2, others: [0], owned })), 'idle');
  const busy = owned.map((device) => ({ ...device, busy: true }));
  assert.equal(toRelease(view({ devices: 2, others: [0], owned: busy })), 'busy');
});

test('a device that somebody is linking stays where its QR is shown', () => {
  const owned = idle(['a', 'b']).map((device) => ({ ...device, pairing: true }));
  assert.equal(toRelease(view({ devices: 2, others: [0], owned })), undefined);
  assert.equal(toRelease(view({ devices: 3, others: [0], owned: [...owned, ...idle(['c'])] })), 'c');
});

test('nothing moves for a difference of one, from a worker that has not the most, or while something is unowned', () => {
  assert.equal(toRelease(view({ devices: 3, others: [1], owned: idle(ids(2)) })), undefined);
  assert.equal(toRelease(view({ devices: 9, others: [6, 0], owned: idle(ids(3)) })), undefined);
  const owned = idle(ids(3));
  assert.equal(toRelease(view({ devices: 4, others: [0], owned, unowned: letGo(['free']) })), undefined);
});

test('three workers of 40 devices end at 13 or 14 each, whoever started with them', () => {
  const counts = [20, 20, 0];
  for (let moves = 0; moves < 100; moves += 1) {
    const from = counts.findIndex((count, index) => {
      const others = counts.filter((_, other) => other !== index);
      return toRelease(view({ devices: 40, others, owned: idle(ids(count)) })) !== undefined;
    });
    if (from === -1) break;
    counts[from] = (counts[from] ?? 0) - 1;
    const to = counts.indexOf(Math.min(...counts));
    counts[to] = (counts[to] ?? 0) + 1;
  }
  assert.deepEqual(
    counts.toSorted((a, b) => a - b),
    [13, 13, 14],
  );
});
