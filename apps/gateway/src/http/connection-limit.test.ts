import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toConnectionLimit } from './connection-limit.ts';

test('connections leave descriptors for uploads and for the process itself, and are never too few to serve', () => {
  assert.equal(toConnectionLimit(1024, 64), 864);
  assert.equal(toConnectionLimit(128, 64), 16);
  assert.equal(toConnectionLimit(Number.POSITIVE_INFINITY, 64), Number.POSITIVE_INFINITY);
});
