import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Seen } from './collector.fixture.ts';
import type { CollectorOptions } from './collector.ts';

function run(options: CollectorOptions | null): Seen {
  const program = join(import.meta.dirname, 'collector.fixture.ts');
  const args = ['--conditions=source', program, JSON.stringify(options)];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(stderr, '', 'V8 names there what it does not know');
  assert.equal(status, 0);
  return JSON.parse(stdout) as Seen;
}

test('V8 collects as it is told', () => {
  const untuned = run(null);
  const roomy = run({ roomPercent: 300 });
  const tight = run({ roomPercent: 20, youngPercent: 25 });

  assert.ok(roomy.external < 10, `${roomy.external} MB of dead buffers count as alive`);
  assert.ok(untuned.external > 20, 'untuned they would count as alive until the next collection');
  assert.ok(tight.full >= 2 * roomy.full, `${tight.full} full collections with little room, ${roomy.full} with much`);
  assert.ok(tight.young > 1.3 * roomy.young, `${tight.young} young collections, ${roomy.young} without being told`);
});
