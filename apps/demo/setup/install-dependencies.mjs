import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** Installs the locked dependencies, with this Node, when they are missing or older than the lock file. Throws when npm fails. */
export function installDependencies(node) {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs) return;
  console.error('Installing the dependencies (once; about a minute) ...');
  // Standard output stays free for what the command itself prints.
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH']}` },
    stdio: ['ignore', process.stderr, 'inherit'],
  });
  if (status !== 0) throw new Error('npm ci failed; its message is above.');
}
