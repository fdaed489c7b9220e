import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const STEP_BOUND_MS = 120_000;

const home = () => join(homedir(), '.cache', 'postern', 'redis');

/** Where `unpackFromApt` leaves a server that runs: a script, because its libraries are not where the system looks. */
export function unpackedServer(): string {
  return join(home(), 'redis-server');
}

/**
 * Without root: unpacks a server package of a Debian-like system, with every library of it that is not installed, into
 * the user's cache. The packages come from the system's own sources, checked by its own keys. Throws when any step fails.
 */
export async function unpackFromApt(name: string): Promise<void> {
  await mkdir(dirname(home()), { recursive: true });
  const work = await mkdtemp(join(tmpdir(), 'postern-apt-'));
  const fresh = await mkdtemp(join(dirname(home()), 'unpacking-'));
  try {
    await download(name, work);
    const packages = (await readdir(work)).filter((file) => file.endsWith('.deb'));
    for (const file of packages) await run('dpkg', ['-x', join(work, file), fresh]);
    await rm(home(), { recursive: true, force: true });
    await rename(fresh, home());
    await writeStarter(name);
  } finally {
    await Promise.all([work, fresh].map((folder) => rm(folder, { recursive: true, force: true })));
  }
}

/** Downloads the package and what it needs into a folder, by the system's package lists or, failing that, own ones. */
async function download(name: string, folder: string): Promise<void> {
  try {
    await downloadBy([], name, folder);
  } catch {
    const lists = join(folder, 'lists');
    await mkdir(join(lists, 'partial'), { recursive: true });
    await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
    const own = ['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${join(folder, 'cache')}`];
    await apt([...own, 'update'], folder);
    await downloadBy(own, name, folder);
  }
}

async function downloadBy(options: string[], name: string, folder: string): Promise<void> {
  const plan = ['-o', 'Debug::NoLocking=true', '--simulate', '--no-install-recommends', 'install', name];
  const { stdout } = await apt([...options, ...plan], folder);
  const missing = [...stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '');
  await apt([...options, 'download', ...new Set([name, ...missing])], folder);
}

function apt(args: string[], cwd: string): Promise<{ stdout: string }> {
  return run('apt-get', ['-q', ...args], { cwd, timeout: STEP_BOUND_MS, maxBuffer: 2 ** 24 });
}

async function writeStarter(name: string): Promise<void> {
  const libraries = await Promise.all(['lib', 'usr/lib'].map((folder) => findLibraries(join(home(), folder))));
  const script = [
    '#!/bin/sh',
    `LD_LIBRARY_PATH="${libraries.flat().join(':')}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"`,
    'export LD_LIBRARY_PATH',
    `exec "${join(home(), 'usr', 'bin', name)}" "$@"`,
    '',
  ].join('\n');
  await writeFile(unpackedServer(), script);
  await chmod(unpackedServer(), 0o755);
}

/** The folders that hold libraries: this one, and those named for a platform (`x86_64-linux-gnu`). */
async function findLibraries(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const platforms = entries.filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'));
  return entries.length === 0 ? [] : [folder, ...platforms.map((entry) => join(folder, entry.name))];
}
