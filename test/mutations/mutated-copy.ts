import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Mutation } from './mutations.ts';

const root = join(import.meta.dirname, '..', '..');

export interface Copy {
  directory: string;
  remove(): Promise<void>;
}

/** A copy of the working tree, with our own workspaces as its packages and everybody else's as they are here. */
export async function copyTree(): Promise<Copy> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-mutations-'));
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root });
  for (const file of listed.toString().split('\0').filter(Boolean)) {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await cp(join(root, file), join(directory, file)).catch((error: NodeJS.ErrnoException) => {
      // Deleted in the working tree, and not yet in git.
      if (error.code !== 'ENOENT') throw error;
    });
  }
  const modules = join(directory, 'node_modules');
  await mkdir(modules);
  for (const name of await readdir(join(root, 'node_modules'))) {
    const [from, to] = [join(root, 'node_modules', name), join(modules, name)];
    // These lead to workspaces beside node_modules: here as there.
    if (name === '@postern') await cp(from, to, { recursive: true, verbatimSymlinks: true });
    else await symlink(from, to);
  }
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

/** The file with the mutation in it. Throws when the text that it changes does not stand there exactly once. */
export async function mutate(
  directory: string,
  { name, file, from, to }: Mutation,
): Promise<{ undo(): Promise<void> }> {
  const path = join(directory, file);
  const source = await readFile(path, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`"${name}" does not fit ${file} any more`);
  await writeFile(
    path,
    source.replace(from, () => to),
  );
  return { undo: () => writeFile(path, source) };
}
