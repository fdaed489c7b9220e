// Runs every `*.test.ts` of the repository with Node's own test runner; Node 20 takes no globs, so the files are found here.
//   node test/run.mjs [--long] [path …]     only files whose path contains one of the given texts
// `test/long` holds what takes minutes; it runs only with --long.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const typescript = ['--conditions=source', '--import', 'tsx'];
const long = process.argv.includes('--long');
const filters = process.argv.slice(2).filter((argument) => argument !== '--long');
const skipped = new Set(['node_modules', 'dist', ...(long ? [] : [join('test', 'long')])]);

function findTests(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) || skipped.has(path) ? [] : findTests(path);
    return entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

const wanted = filters.map((filter) => relative(root, join(process.cwd(), filter)));
const matches = (file) =>
  filters.some((filter, index) => file.includes(filter) || file.startsWith(wanted[index] + sep));
const files = ['packages', 'apps', 'test']
  .flatMap(findTests)
  .filter((file) => filters.length === 0 || matches(file))
  .sort((a, b) => (a < b ? -1 : 1));

if (files.length === 0) {
  console.error(`No test file matches: ${filters.join(' ')}`);
  process.exitCode = 1;
} else {
  const prepared = spawnSync(process.execPath, [...typescript, 'test/prepare.ts'], { cwd: root, stdio: 'inherit' });
  if (prepared.status === 0) run(files);
  else process.exitCode = 1;
}

function run(tests) {
  // Files wait more than they compute, but each may start servers: as many at once as there are cores, at least two.
  const concurrency = Math.min(8, Math.max(2, availableParallelism()));
  // Holds for a single test and for a whole file.
  const timeoutMs = long ? 40 * 60_000 : 4 * 60_000;
  const options = [...typescript, '--test', '--test-reporter=spec'];
  const limits = [`--test-concurrency=${concurrency}`, `--test-timeout=${timeoutMs}`];
  const runner = spawn(process.execPath, [...options, ...limits, ...tests], { cwd: root, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => runner.kill(signal));
  runner.on('exit', (code, signal) => {
    if (signal) console.error(`The test runner was ended by ${signal}.`);
    process.exitCode = code ?? 1;
  });
}
