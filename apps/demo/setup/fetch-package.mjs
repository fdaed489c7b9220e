import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const STEP_BOUND_MS = 300_000;

/** A folder of the user's cache, as `packages/programs` has it, for when nothing is installed yet. */
export function cachedFolder(name) {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'postern', name);
}

/**
 * Fetches a package of the npm registry, without what it depends on, verifies it, and leaves its files in `folder` unless
 * somebody did so meanwhile. A process that dies here leaves no half of it. `complete(folder)` may add to the files first.
 * Throws an Error that says what went wrong.
 */
export async function fetchPackage({ name, version, integrity }, folder, complete = async () => {}) {
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(join(dirname(folder), 'fetching-'));
  try {
    run('npm', ['pack', `${name}@${version}`, '--silent', '--pack-destination', work]);
    const archive = join(work, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
    const digest = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (digest !== integrity) throw new Error(`what the registry sent as ${name} ${version} is not that release`);
    run('tar', ['-xzf', archive, '-C', work]);
    await complete(join(work, 'package'));
    if (!existsSync(folder)) renameSync(join(work, 'package'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: STEP_BOUND_MS });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr.trim()}`);
}
