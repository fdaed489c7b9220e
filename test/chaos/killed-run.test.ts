import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { isRunning } from '../support/processes.ts';
import { waitUntil } from '../support/wait-until.ts';

const script = `const { startStack } = await import(${JSON.stringify(join(import.meta.dirname, '..', 'support', 'stack.ts'))});
const { gateway, worker, redisServer } = await startStack();
console.log(JSON.stringify([gateway.pid, worker.pid, redisServer.pid]));`;

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`a run that ends by ${signal} leaves none of its processes`, {
    skip: process.platform !== 'linux',
  }, async () => {
    const runner = spawn(process.execPath, ['--conditions=source', '--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(runner.stdout, 'data')) as [Buffer];
    const ids = JSON.parse(line.toString()) as number[];
    assert.equal(ids.length, 3);
    for (const id of ids) assert.ok(isRunning(id));
    runner.kill(signal);
    await waitUntil('all are gone', () => !ids.some(isRunning), 30_000);
  });
}
