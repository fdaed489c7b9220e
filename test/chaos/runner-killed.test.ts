import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '../support/wait-until.ts';

/** Processes whose command line or environment names this folder (Linux). */
async function findProcessesIn(folder: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    ids.map(async (id) => {
      const read = (name: string) => readFile(`/proc/${id}/${name}`, 'utf8').catch(() => '');
      return (await read('cmdline')).includes(folder) || (await read('environ')).includes(folder) ? [id] : [];
    }),
  );
  return found.flat();
}

test('a chaos run that is killed leaves no process behind, not even a frozen one', {
  skip: process.platform === 'linux' ? false : 'looks into /proc',
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'postern-killed-'));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const sizes = ['--messages', '400', '--devices', '2', '--workers', '2', '--gateways', '1', '--lease-ttl-ms', '20000'];
  const runner = spawn(process.execPath, ['--conditions=source', main, ...sizes, '--only', 'freeze_worker'], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => runner.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: runner.stderr }).on('line', (line) => lines.push(line));
  await waitUntil('a worker is frozen', () => lines.some((line) => line.includes('"freeze_worker"')), 60_000);
  const isFrozen = async () => {
    const states = (await findProcessesIn(folder)).map((id) => readFile(`/proc/${id}/stat`, 'utf8').catch(() => ''));
    return (await Promise.all(states)).some((stat) => /\) T /.test(stat));
  };
  await waitUntil('it stands still', isFrozen);
  assert.ok((await findProcessesIn(folder)).length >= 5);
  runner.kill('SIGKILL');
  await waitUntil('all are gone', async () => (await findProcessesIn(folder)).length === 0, 30_000);
});
