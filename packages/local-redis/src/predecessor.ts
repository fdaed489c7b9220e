import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { delay } from '@postern/runtime';
import { askRedis } from './ask-redis.ts';

// A server whose process was killed ends within about 2 s.
const ENDS_WITHIN_MS = 10_000;

interface Access {
  port: number;
  password: string | undefined;
}

const fileOf = (directory: string) => join(directory, 'server.json');

/** Notes which server works on the directory, for the next one; and for `redis-cli`, which needs the password. */
export async function recordServer(directory: string, access: Access): Promise<void> {
  const runId = await readRunId(access);
  await writeFile(fileOf(directory), `${JSON.stringify({ ...access, runId })}\n`, { mode: 0o600 });
}

/**
 * Waits until the server that worked on the directory before answers no more: two would write one append-only file.
 * Rejects when it still does after 10 s.
 */
export async function untilPredecessorEnded(directory: string): Promise<void> {
  const predecessor = await readPredecessor(directory);
  if (!predecessor) return;
  const deadline = performance.now() + ENDS_WITHIN_MS;
  while ((await readRunId(predecessor).catch(() => undefined)) === predecessor.runId) {
    if (performance.now() > deadline) {
      throw new Error(
        `A Redis on port ${predecessor.port} still works on ${directory}; stop it, or use another folder`,
      );
    }
    await delay(50);
  }
}

async function readPredecessor(directory: string): Promise<(Access & { runId: string }) | undefined> {
  const text = await readFile(fileOf(directory), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { port, password, runId } = JSON.parse(text) as Record<string, unknown>;
    if (typeof port !== 'number' || typeof runId !== 'string') return undefined;
    return { port, password: typeof password === 'string' ? password : undefined, runId };
  } catch {
    // Cut off in the middle of being written.
    return undefined;
  }
}

/** A random name that each start of a server gives itself. */
async function readRunId({ port, password }: Access): Promise<string> {
  const info = await askRedis(port, ['INFO', 'server'], password);
  return /^run_id:(\w+)/m.exec(info)?.[1] ?? '';
}
