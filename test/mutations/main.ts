/**
 * Breaks what the guarantees rest on, one thing at a time, in a copy of the tree, and says which tests notice.
 *
 *   npm run mutations [-- text …]     only mutations whose name contains one of the texts
 *
 * Exits with 1 when a mutation is not noticed, or a test that should notice fails without it.
 */
import { spawnSync } from 'node:child_process';
import { prepareMachine } from '../machine/prepare-machine.ts';
import { type Copy, copyTree, mutate } from './mutated-copy.ts';
import { MUTATIONS, type Mutation } from './mutations.ts';

/** A test that waits for what a mutation keeps from happening has failed, too. */
const FILE_BOUND_MS = 180_000;

const texts = process.argv.slice(2);
const chosen = MUTATIONS.filter(({ name }) => texts.length === 0 || texts.some((text) => name.includes(text)));
const { environment } = await prepareMachine(console.error);
const copy = await copyTree();
const passing = new Map<string, boolean>();
try {
  for (const mutation of chosen) await tryOut(mutation, copy);
} finally {
  await copy.remove();
}

async function tryOut(mutation: Mutation, { directory }: Copy): Promise<void> {
  for (const file of mutation.noticedBy) {
    if (!passing.has(file)) passing.set(file, passes(file, directory));
    if (passing.get(file) === false) fail(`${file} fails without any mutation`);
  }
  const mutated = await mutate(directory, mutation);
  const noticing = mutation.noticedBy.filter((file) => !passes(file, directory));
  await mutated.undo();
  const missed = mutation.noticedBy.filter((file) => !noticing.includes(file));
  console.log(`${missed.length === 0 ? 'noticed' : 'MISSED '}  ${mutation.name}: ${mutation.noticedBy.join(', ')}`);
  if (missed.length > 0) fail(`not noticed by ${missed.join(', ')}: ${mutation.name}`);
}

function passes(file: string, directory: string): boolean {
  const args = ['--conditions=source', '--test', file];
  const env = { ...process.env, ...environment };
  const bounds = { timeout: FILE_BOUND_MS, killSignal: 'SIGKILL' } as const;
  return spawnSync(process.execPath, args, { cwd: directory, env, stdio: 'ignore', ...bounds }).status === 0;
}

function fail(reason: string): void {
  console.error(reason);
  process.exitCode = 1;
}
