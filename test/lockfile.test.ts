import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

interface Entry {
  resolved?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

const root = fileURLToPath(new URL('..', import.meta.url));

test('the lock file names every platform’s builds, so that `npm ci` works on each', () => {
  const check = spawnSync(process.execPath, [join(root, '.ci', 'complete-lockfile.mjs'), '--check'], {
    encoding: 'utf8',
  });
  assert.equal(check.status, 0, check.stderr);
});

test('every dependency is locked to an exact version, and none comes from elsewhere than the registry', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Entry>;
  };
  for (const [path, entry] of Object.entries(packages)) {
    if (path.includes('node_modules/')) {
      assert.doesNotMatch(entry.resolved ?? '', /^(git|file|http:)/, path);
      continue;
    }
    const own = { ...entry.dependencies, ...entry.devDependencies };
    for (const [name, version] of Object.entries(own)) {
      const pattern = name.startsWith('@postern/') ? /^\*$/ : /^\d+\.\d+\.\d+(-[\w.]+)?$/;
      assert.match(version, pattern, `${path || 'the root'} wants ${name}@${version}`);
    }
  }
});
