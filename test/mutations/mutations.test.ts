import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MUTATIONS } from './mutations.ts';

const root = join(import.meta.dirname, '..', '..');

test('every mutation fits the source as it is, and names tests that exist', () => {
  for (const { name, file, from, noticedBy } of MUTATIONS) {
    assert.equal(readFileSync(join(root, file), 'utf8').split(from).length, 2, name);
    assert.ok(noticedBy.length > 0, name);
    for (const path of noticedBy) assert.ok(existsSync(join(root, path)), path);
  }
});
