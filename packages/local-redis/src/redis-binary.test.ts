import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { installRedis } from './redis-binary.ts';

test('Redis is unpacked into the cache, and apt installs nothing, as root too', {
  skip: process.platform === 'linux' ? false : 'there is no apt',
}, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'postern-apt-test-'));
  t.after(() => rm(directory, { recursive: true }));
  await buildPackage(directory);
  // The real dpkg, and an apt-get that serves our package and writes down what it was asked.
  await writeExecutable(
    join(directory, 'apt-get'),
    `#!/bin/sh
    echo "$*" >>${directory}/asked
    case "$*" in
      *--simulate*) echo "Inst redis-server (1.0 test [all])" ;;
      *download*) cp ${directory}/redis-server.deb . ;;
    esac`,
  );
  process.env['HOME'] = directory;
  delete process.env['XDG_CACHE_HOME'];
  process.env['PATH'] = `${directory}:${process.env['PATH'] ?? ''}`;

  assert.equal(await installRedis(), join(directory, '.cache/postern/redis-server/redis-server'));
  const asked = (await readFile(join(directory, 'asked'), 'utf8')).trim().split('\n');
  assert.ok(asked.length > 0);
  const changing = asked.filter((line) => /\b(install|update)\b/.test(line) && !line.includes('--simulate'));
  assert.deepEqual(changing, []);
});

async function buildPackage(directory: string): Promise<void> {
  const tree = join(directory, 'tree');
  await mkdir(join(tree, 'DEBIAN'), { recursive: true });
  await mkdir(join(tree, 'usr/bin'), { recursive: true });
  const control = [
    'Package: redis-server',
    'Version: 1.0',
    'Architecture: all',
    'Maintainer: a <a@b>',
    'Description: a',
  ];
  await writeFile(join(tree, 'DEBIAN/control'), `${control.join('\n')}\n`);
  await writeExecutable(join(tree, 'usr/bin/redis-server'), '#!/bin/sh\nexit 0');
  execFileSync('dpkg-deb', ['--build', tree, join(directory, 'redis-server.deb')], { stdio: 'ignore' });
}

async function writeExecutable(path: string, script: string): Promise<void> {
  await writeFile(path, `${script}\n`, { mode: 0o755 });
}
