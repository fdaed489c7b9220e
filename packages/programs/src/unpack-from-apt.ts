import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.ts';

const run = promisify(execFile);
const STEP_BOUND_MS = 120_000;

export interface AptPackage {
  /** Its name in the distribution. */
  name: string;
  /** The programs of it that are wanted, as they lie in /usr/bin. */
  programs: readonly string[];
  /** Whether the programs need nothing else of the distribution, so that the packages it depends on are left out. */
  standsAlone?: boolean;
}

/** Where `unpackFromApt` leaves this program: a script, because its libraries are not where the system looks. */
export function unpackedProgram(packageName: string, program: string): string {
  return join(cacheFolder(), packageName, program);
}

/**
 * Without root, and without a change to the system: unpacks a package of a Debian-like system, with every package it
 * needs that is not installed, into the user's cache. They come from the system's own sources, checked by its own keys.
 * Rejects when any step fails, as on a system without apt or without such a package.
 */
export async function unpackFromApt(wanted: AptPackage): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true });
  const work = await mkdtemp(join(tmpdir(), 'postern-apt-'));
  const fresh = await mkdtemp(join(cacheFolder(), 'unpacking-'));
  try {
    await download(wanted, work);
    const packages = (await readdir(work)).filter((file) => file.endsWith('.deb'));
    for (const file of packages) await run('dpkg', ['-x', join(work, file), fresh]);
    const home = join(cacheFolder(), wanted.name);
    for (const program of wanted.programs) await writeStarter(fresh, home, program);
    await rm(home, { recursive: true, force: true });
    await rename(fresh, home);
  } finally {
    await Promise.all([work, fresh].map((folder) => rm(folder, { recursive: true, force: true })));
  }
}

/** Downloads the package and what it needs into a folder, by the system's package lists or, failing that, own ones. */
async function download(wanted: AptPackage, folder: string): Promise<void> {
  try {
    await downloadBy([], wanted, folder);
  } catch {
    const lists = join(folder, 'lists');
    await mkdir(join(lists, 'partial'), { recursive: true });
    await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
    const own = ['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${join(folder, 'cache')}`];
    await apt([...own, 'update'], folder);
    await downloadBy(own, wanted, folder);
  }
}

async function downloadBy(options: string[], { name, standsAlone }: AptPackage, folder: string): Promise<void> {
  const missing = standsAlone ? [] : await listMissing(options, name, folder);
  await apt([...options, 'download', ...new Set([name, ...missing])], folder);
}

async function listMissing(options: string[], name: string, folder: string): Promise<string[]> {
  const plan = ['-o', 'Debug::NoLocking=true', '--simulate', '--no-install-recommends', 'install', name];
  const { stdout } = await apt([...options, ...plan], folder);
  return [...stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '');
}

function apt(args: string[], cwd: string): Promise<{ stdout: string }> {
  return run('apt-get', ['-q', ...args], { cwd, timeout: STEP_BOUND_MS, maxBuffer: 2 ** 24 });
}

/** Writes the script that starts a program where `folder` will lie when it is called `home`. */
async function writeStarter(folder: string, home: string, program: string): Promise<void> {
  const libraries = (await Promise.all(['lib', 'usr/lib'].map((part) => findLibraries(folder, part)))).flat();
  const script = [
    '#!/bin/sh',
    `LD_LIBRARY_PATH="${libraries.map((part) => join(home, part)).join(':')}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"`,
    'export LD_LIBRARY_PATH',
    `exec "${join(home, 'usr', 'bin', program)}" "$@"`,
    '',
  ].join('\n');
  await writeFile(join(folder, program), script);
  await chmod(join(folder, program), 0o755);
}

/** The folders within `folder` that hold libraries: this part, and those named for a platform (`x86_64-linux-gnu`). */
async function findLibraries(folder: string, part: string): Promise<string[]> {
  const entries = await readdir(join(folder, part), { withFileTypes: true }).catch(() => []);
  const platforms = entries.filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'));
  return entries.length === 0 ? [] : [part, ...platforms.map((entry) => join(part, entry.name))];
}
