import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lifetime } from '@postern/runtime';
import { findProcessesOf } from './processes.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** One of the commands of apps/demo as its own process. */
export interface DemoProcess {
  pid: number;
  stdout(): string;
  stderr(): string;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** The command lines of everything it started that still runs, itself included. */
  running(): Promise<string[]>;
}

/** A DATA_DIR of its own, removed with the lifetime. */
export async function createDataDirectory(lifetime: Lifetime): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-demo-'));
  return lifetime.use(directory, (path) => rm(path, { recursive: true, force: true }));
}

/** Starts `demo` or `start` with these arguments and variables; killed with the lifetime. */
export function startDemo(
  lifetime: Lifetime,
  command: 'demo' | 'start',
  args: string[],
  env: Record<string, string>,
): DemoProcess {
  const mark = `POSTERN_TEST_RUN=${randomBytes(8).toString('hex')}`;
  const [name = '', value = ''] = mark.split('=');
  const script = join(root, 'apps', 'demo', 'src', command, 'main.ts');
  const child = spawn(process.execPath, ['--conditions=source', script, ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', PORT: '0', [name]: value, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => {
      output[stream] += chunk.toString();
    });
  }
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  lifetime.use(child, async (started) => {
    started.kill('SIGTERM');
    await exited;
  });
  return {
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    exited,
    running: () => findProcessesOf(mark),
  };
}
