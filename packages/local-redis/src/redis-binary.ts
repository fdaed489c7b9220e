import { spawnSync } from 'node:child_process';
import { findProgram, isRunnable, unpackedProgram, unpackFromApt } from '@postern/programs';

/** Programs, and the packages of Debian that hold them. */
const NAMES = ['redis-server', 'valkey-server'];

/**
 * The path of a Redis (or Valkey) server: from PATH, else the distribution's package unpacked into the user's cache, which
 * is quick and changes nothing of the system, else installed by apt as root, or by Homebrew on macOS. Rejects with the
 * commands to run by hand when none works.
 */
export async function findOrInstallRedis(onProgress: (step: string) => void): Promise<string> {
  const found = (await findProgram(NAMES)) ?? (await findUnpacked());
  if (found) return found;
  onProgress('Redis is not installed; fetching it (once) ...');
  const installed = await installRedis();
  if (installed) return installed;
  throw new Error(
    [
      'No Redis server was found and none could be installed. Install one and try again, for example:',
      '  Debian or Ubuntu:  sudo apt-get install redis-server',
      '  Fedora:            sudo dnf install valkey',
      '  macOS:             brew install redis',
      '  Docker:            docker run -d --name postern-redis -p 127.0.0.1:6379:6379 -v postern-redis:/data redis:7 \\',
      '                       redis-server --appendonly yes --maxmemory-policy noeviction',
      '                     and set REDIS_URL=redis://127.0.0.1:6379',
      'or set REDIS_URL to a Redis that runs already.',
    ].join('\n'),
  );
}

/** Tries the platform's ways in order; resolves with the server's path, or with nothing when none works. */
export async function installRedis(): Promise<string | undefined> {
  return (await installUnpacked()) ?? (await installByApt()) ?? (await installByBrew());
}

function run(command: string, args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(command, args, { stdio: 'ignore', env }).status === 0;
}

async function installByApt(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const install = () => NAMES.some((name) => run('apt-get', ['install', '-y', '--no-install-recommends', name]));
  if (!install() && run('apt-get', ['update'])) install();
  return findProgram(NAMES);
}

async function findUnpacked(): Promise<string | undefined> {
  for (const name of NAMES) {
    const path = unpackedProgram(name, name);
    if (await isRunnable(path)) return path;
  }
  return undefined;
}

async function installUnpacked(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  for (const name of NAMES) {
    // No such package, no apt, no network, no home: the next way, or the message with the commands.
    await unpackFromApt({ name, programs: [name] }).catch(() => undefined);
    const path = await findUnpacked();
    if (path) return path;
  }
  return undefined;
}

async function installByBrew(): Promise<string | undefined> {
  if (process.platform !== 'darwin') return undefined;
  run('brew', ['install', 'redis']);
  return findProgram(NAMES);
}
