import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isRunnable } from './find-program.ts';
import { unpackedProgram, unpackFromApt } from './unpack-from-apt.ts';

const directory = await mkdtemp(join(tmpdir(), 'postern-programs-test-'));
test.after(() => rm(directory, { recursive: true }));
await buildPackage('tool', { 'usr/bin/tool': '#!/bin/sh\n[ -n "$LD_LIBRARY_PATH" ] || exit 7' });
await buildPackage('library', { 'usr/lib/x86_64-linux-gnu/library.so': '' });
// The real dpkg, and an apt-get that serves our packages and writes down what it was asked.
await writeExecutable(
  join(directory, 'apt-get'),
  `#!/bin/sh
  echo "$*" >>${directory}/asked
  case "$*" in
    *--simulate*) echo "Inst library (1.0 test [all])" ;;
    *download*) for each in "$@"; do [ ! -e ${directory}/$each.deb ] || cp ${directory}/$each.deb .; done ;;
  esac`,
);
process.env['XDG_CACHE_HOME'] = join(directory, 'cache');
process.env['PATH'] = `${directory}:${process.env['PATH'] ?? ''}`;

test('a program is unpacked with the libraries that are not installed, and finds them', async () => {
  await unpackFromApt({ name: 'tool', programs: ['tool'] });
  const path = unpackedProgram('tool', 'tool');
  assert.ok(path.startsWith(join(directory, 'cache', 'postern')));
  assert.ok(await isRunnable(path));
  assert.match(await readFile(join(directory, 'asked'), 'utf8'), /download tool library$/m);
});

test('of a package that stands alone nothing else is fetched', async () => {
  await writeFile(join(directory, 'asked'), '');
  await unpackFromApt({ name: 'tool', programs: ['tool'], standsAlone: true });
  assert.match(await readFile(join(directory, 'asked'), 'utf8'), /^-q download tool$/m);
});

async function buildPackage(name: string, files: Record<string, string>): Promise<void> {
  const tree = join(directory, `tree-${name}`);
  await mkdir(join(tree, 'DEBIAN'), { recursive: true });
  const control = [`Package: ${name}`, 'Version: 1.0', 'Architecture: all', 'Maintainer: a <a@b>', 'Description: a'];
  await writeFile(join(tree, 'DEBIAN/control'), `${control.join('\n')}\n`);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(tree, path, '..'), { recursive: true });
    await writeExecutable(join(tree, path), content);
  }
  execFileSync('dpkg-deb', ['--build', tree, join(directory, `${name}.deb`)], { stdio: 'ignore' });
}

async function writeExecutable(path: string, script: string): Promise<void> {
  await writeFile(path, `${script}\n`, { mode: 0o755 });
}
