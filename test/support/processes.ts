import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

/** Whether the process has not ended (Linux). One that has, and that nobody has waited for, is still listed. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** The command lines of the running processes that were started with this variable in their environment (Linux). */
export async function findProcessesOf(variable: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(ids.map((id) => readProcess(id, variable)));
  return found.filter((line) => line !== undefined);
}

async function readProcess(id: string, variable: string): Promise<string | undefined> {
  try {
    const environment = await readFile(`/proc/${id}/environ`, 'utf8');
    if (!environment.split('\0').includes(variable)) return undefined;
    return `${id} ${(await readFile(`/proc/${id}/cmdline`, 'utf8')).replaceAll('\0', ' ')}`;
  } catch {
    // It ended while we looked, or is another user's.
    return undefined;
  }
}
