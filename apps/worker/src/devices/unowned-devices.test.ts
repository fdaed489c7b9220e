import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnownedDevices } from './unowned-devices.ts';

const ids = (unowned: UnownedDevices) => unowned.claimable().map(([deviceId]) => deviceId);

test('a device whose claim Redis refused is left alone until Redis took a write for it, and then for its holder to renew', async () => {
  const unowned = new UnownedDevices();
  unowned.see(new Set(['a', 'b']));
  unowned.refuse('a');
  assert.deepEqual(ids(unowned), ['b']);
  await unowned.recheckRefused(() => Promise.reject(new Error('NOREPLICAS')), -1);
  unowned.see(new Set(['a', 'b']));
  assert.deepEqual(ids(unowned), ['b']);
  await unowned.recheckRefused(async () => {}, 60_000);
  unowned.see(new Set(['a', 'b']));
  assert.deepEqual(ids(unowned), ['b']);
  // The rest is over.
  unowned.rest('a', -1);
  unowned.see(new Set(['a', 'b']));
  assert.deepEqual(ids(unowned), ['a', 'b']);
});

test('a device that somebody owns is forgotten, with its refusal', () => {
  const unowned = new UnownedDevices();
  unowned.see(new Set(['a']));
  unowned.refuse('a');
  unowned.see(new Set());
  unowned.see(new Set(['a']));
  assert.deepEqual(ids(unowned), ['a']);
});
