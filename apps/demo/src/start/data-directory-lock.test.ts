import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lockDataDirectory } from './data-directory-lock.ts';

const MODULE = new URL('./data-directory-lock.ts', import.meta.url).href;

async function createParent(t: TestContext): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'postern-lock-'));
  t.after(() => rm(parent, { recursive: true, force: true }));
  return parent;
}

test('a folder is locked once, and again when the first lock is released', async (t) => {
  const directory = join(await createParent(t), 'data');
  const first = await lockDataDirectory(directory);
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  await assert.rejects(
    lockDataDirectory(directory),
    /^Error: DATA_DIR: Postern runs already in .*data\. Stop it first/,
  );
  first.release();
  (await lockDataDirectory(directory)).release();
});

test('a process that was killed leaves no lock behind', async (t) => {
  const directory = await createParent(t);
  const script = `import { lockDataDirectory } from ${JSON.stringify(MODULE)};
    const lock = await lockDataDirectory(${JSON.stringify(directory)});
    console.log('locked'); setInterval(() => lock, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await assert.rejects(lockDataDirectory(directory), /runs already/);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  (await lockDataDirectory(directory)).release();
});
