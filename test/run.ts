/**
 * Runs every `*.test.ts` of the repository with Node's own test runner.
 *   node --conditions=source test/run.ts [--long] [path …]     only files whose path contains one of the given texts
 * `test/long` holds what takes minutes; it runs only with --long. With CI=true nothing may be left out.
 */
import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareMachine } from './machine/prepare-machine.ts';

const root = dirname(import.meta.dirname);
const { values, positionals: filters } = parseArgs({ options: { long: { type: 'boolean' } }, allowPositionals: true });
const allowsMissing = process.env['CI'] !== 'true';

const files = globSync('{packages,apps,test}/**/*.test.ts', { cwd: root, exclude: ['**/node_modules', '**/dist'] })
  .filter((file) => values.long || !file.startsWith(join('test', 'long')))
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort();

if (files.length === 0) {
  console.error(`No test file matches: ${filters.join(' ')}`);
  process.exitCode = 1;
} else {
  const { environment, missing } = await prepareMachine(console.error);
  if (missing.length > 0) console.error(`Not installed, and not to be had here: ${missing.join(', ')}.`);
  if (missing.length > 0 && !allowsMissing) {
    console.error('With CI=true that is a failure.');
    process.exitCode = 1;
  } else {
    run(missing.includes('chromium') ? leaveOutPages(files) : files, environment);
  }
}

/** Without a browser, the files that open a page are left out, and named. */
function leaveOutPages(tests: string[]): string[] {
  const opensPage = (file: string) => /browser(\.fixture)?\.ts'/.test(readFileSync(join(root, file), 'utf8'));
  const pages = tests.filter(opensPage);
  if (pages.length > 0) console.error(['Left out, because there is no browser:', ...pages].join('\n  '));
  return tests.filter((file) => !pages.includes(file));
}

function run(tests: string[], environment: Record<string, string>): void {
  // Files wait more than they compute, but each may start servers: as many at once as there are cores, at least two.
  const concurrency = Math.min(8, Math.max(2, availableParallelism()));
  // Holds for a single test and for a whole file.
  const timeoutMs = values.long ? 40 * 60_000 : 4 * 60_000;
  const options = ['--conditions=source', '--test', '--test-reporter=spec'];
  const limits = [`--test-concurrency=${concurrency}`, `--test-timeout=${timeoutMs}`];
  const runner = spawn(process.execPath, [...options, ...limits, ...tests], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => runner.kill(signal));
  runner.on('exit', (code, signal) => {
    if (signal) console.error(`The test runner was ended by ${signal}.`);
    process.exitCode = code ?? 1;
  });
}
