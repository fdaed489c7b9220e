import { spawnSync } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Folders that a user's PATH may lack: Debian keeps some servers in /usr/sbin. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];
const VERSION_BOUND_MS = 10_000;

/** The path of the first of these programs on PATH that runs, or undefined. */
export async function findProgram(
  names: readonly string[],
  versionArgs?: readonly string[],
): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...MORE_FOLDERS].filter((folder) => folder !== '');
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (await isRunnable(path, versionArgs)) return path;
    }
  }
  return undefined;
}

/** Whether the program is there and tells its version, which it does only with all its libraries. */
export async function isRunnable(path: string, versionArgs: readonly string[] = ['--version']): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
  } catch {
    return false;
  }
  return spawnSync(path, versionArgs, { stdio: 'ignore', timeout: VERSION_BOUND_MS }).status === 0;
}
