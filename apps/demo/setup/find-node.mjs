import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { OLDEST_MAJOR, RELEASES } from './node-releases.mjs';

const STEP_BOUND_MS = 180_000;

/**
 * The path of a Node that runs Postern: this one when it is new enough, else one that is fetched once into the cache.
 * Says on standard error what it does. Throws an Error whose message says what to install.
 */
export function findNode() {
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR) return process.execPath;
  const release = RELEASES[`${process.platform}-${process.arch}`];
  if (!release) throw tooOld(`and none can be fetched for ${process.platform} on ${process.arch}`);
  const folder = join(cacheFolder(), `node-${release.version}`);
  const node = join(folder, 'bin', 'node');
  if (existsSync(node)) {
    console.error(`This is Node ${process.version}; going on with ${release.version} from the cache.`);
  } else {
    console.error(
      `This is Node ${process.version}, Postern needs ${OLDEST_MAJOR}: fetching ${release.version} (once) ...`,
    );
    fetchNode(release, folder);
  }
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim();
  if (version !== `v${release.version}`) throw tooOld(`and the fetched one does not run here (${node})`);
  return node;
}

function cacheFolder() {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'postern');
}

/** Downloads, verifies and unpacks beside the folder, then renames: a process that dies here leaves no half of it. */
function fetchNode({ name, version, integrity }, folder) {
  mkdirSync(cacheFolder(), { recursive: true });
  const work = mkdtempSync(join(cacheFolder(), 'fetching-'));
  try {
    run('npm', ['pack', `${name}@${version}`, '--silent', '--pack-destination', work]);
    const archive = join(work, `${name}-${version}.tgz`);
    const digest = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (digest !== integrity) throw tooOld(`and what the registry sent as ${name} ${version} is not that release`);
    run('tar', ['-xzf', archive, '-C', work]);
    // Somebody else may have been quicker.
    if (!existsSync(folder)) renameSync(join(work, 'package'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: STEP_BOUND_MS });
  if (status !== 0) throw tooOld(`and none could be fetched: ${command} ${error?.message ?? stderr.trim()}`);
}

function tooOld(why) {
  return new Error(
    `Postern needs Node.js ${OLDEST_MAJOR} or newer; this is ${process.version}, ${why}. Install it from nodejs.org.`,
  );
}
