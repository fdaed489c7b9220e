import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('the limit is that of the process', () => {
  const module = fileURLToPath(new URL('./descriptor-limit.ts', import.meta.url));
  const script = `import { readDescriptorLimit } from ${JSON.stringify(module)}; console.log(readDescriptorLimit())`;
  const command = 'ulimit -n 200; exec "$0" --input-type=module --eval "$1"';
  const told = execFileSync('/bin/sh', ['-c', command, process.execPath, script], { encoding: 'utf8' });
  assert.equal(told, '200\n');
});
