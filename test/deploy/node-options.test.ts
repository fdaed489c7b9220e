import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const bounds = (text: string) => text.match(/--max-semi-space-size=\d+/g) ?? [];

test('every way to start gateway and worker bounds the young generation alike', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const places = [
    scripts['gateway'] ?? '',
    scripts['worker'] ?? '',
    read('deploy/Dockerfile'),
    read('apps/demo/src/processes/service.ts'),
    read('test/support/service-process.ts'),
  ];
  const [first] = bounds(places[0] ?? '');
  assert.ok(first);
  for (const place of places) assert.deepEqual(bounds(place), [first]);
});
