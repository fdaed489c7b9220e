import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findViolations, isForbiddenFolder } from './architecture/find-violations.ts';
import { ENVIRONMENT_READERS, MAX_LINES, WORKSPACES } from './architecture/import-table.ts';
import { ROOT, readFolders, readSources } from './architecture/source-file.ts';

const workspaces = ['packages', 'apps'].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`),
);

test('every workspace has a row in the import table, and every row a workspace', () => {
  assert.deepEqual(workspaces.toSorted(), Object.keys(WORKSPACES).toSorted());
});

test('every import goes along the arrows of the import table', () => {
  const files = workspaces.flatMap((workspace) => readSources(`${workspace}/src`));
  assert.ok(files.length > 50, `only ${files.length} files were found`);
  assert.deepEqual(files.flatMap(findViolations), []);
});

test('a package declares as dependencies only the workspaces its row allows', () => {
  for (const [workspace, row] of Object.entries(WORKSPACES)) {
    const manifest = JSON.parse(readFileSync(join(ROOT, workspace, 'package.json'), 'utf8')) as Record<string, object>;
    const declared = (kind: string) =>
      Object.keys(manifest[kind] ?? {})
        .filter((name) => name.startsWith('@postern/'))
        .map((name) => name.slice('@postern/'.length));
    for (const name of declared('dependencies')) assert.ok(row.own.includes(name), `${workspace} → ${name}`);
    for (const name of declared('devDependencies')) {
      assert.ok([...row.own, ...row.tests].includes(name), `${workspace} → ${name} (tests)`);
    }
  }
});

test('each package shows one index.ts, apps none', () => {
  for (const workspace of workspaces) {
    const indexes = readSources(`${workspace}/src`).filter((file) => file.path.endsWith('/index.ts'));
    const expected = workspace.startsWith('packages/') ? [`${workspace}/src/index.ts`] : [];
    assert.deepEqual(
      indexes.map((file) => file.path),
      expected,
    );
  }
});

test('no folder has a name that says nothing', () => {
  assert.deepEqual(['packages', 'apps', 'test'].flatMap(readFolders).filter(isForbiddenFolder), []);
});

test('no source, test, style or script is longer than the limit', () => {
  const files = ['packages', 'apps', 'test'].flatMap((folder) =>
    readSources(folder, ['.ts', '.mts', '.js', '.mjs', '.cjs', '.css', '.html']),
  );
  const long = files.filter((file) => file.text.trimEnd().split('\n').length > MAX_LINES);
  assert.deepEqual(
    long.map((file) => file.path),
    [],
  );
});

test('each exception from reading the environment in main.ts alone still exists', () => {
  for (const path of Object.keys(ENVIRONMENT_READERS)) assert.ok(existsSync(join(ROOT, path)), path);
});

test('the checks see what they forbid', () => {
  const plant = (path: string, text: string) => findViolations({ path, text }).length;
  assert.equal(plant('apps/worker/src/x.ts', "import { a } from '@postern/queue';\nimport b from 'node:fs';"), 0);
  assert.equal(plant('apps/worker/src/x.ts', "import type { A } from '@postern/simulator';"), 1);
  assert.equal(plant('apps/worker/src/x.test.ts', "import type { A } from '@postern/simulator';"), 0);
  assert.equal(plant('apps/worker/src/x.ts', "import { a } from '@postern/gateway';"), 1);
  assert.equal(plant('apps/gateway/src/x.ts', "import { a } from '../../worker/src/a.ts';"), 1);
  assert.equal(plant('apps/gateway/src/x.ts', "import {\n  a,\n  b,\n} from 'express';"), 1);
  assert.equal(plant('apps/gateway/src/http/x.ts', "import {\n  a,\n  b,\n} from 'express';"), 0);
  assert.equal(plant('packages/media/src/x.ts', "export * from 'bullmq';"), 1);
  assert.equal(plant('packages/contract/src/x.ts', "import Redis from 'ioredis';"), 1);
  assert.equal(plant('packages/queue/src/x.ts', "const a = await import('sharp/lib/a.js');"), 1);
  assert.equal(plant('packages/queue/src/x.ts', 'const a = await import(name);'), 1);
  assert.equal(plant('packages/queue/src/x.ts', 'const port = process.env.PORT;'), 1);
  assert.equal(plant('packages/queue/src/x.ts', "const port = process['env']['PORT'];"), 1);
  assert.equal(plant('packages/queue/src/x.ts', "// import { a } from 'sharp';\nconst text = 1;"), 0);
  assert.equal(plant('packages/queue/src/x.ts', 'a;\n'.repeat(301)), 1);
  assert.equal(plant('packages/queue/src/x.ts', "log.warn({ err: error, id }, 'x');"), 0);
  assert.equal(plant('packages/queue/src/x.ts', "logger.warn({ error, id }, 'x');"), 1);
  assert.equal(plant('packages/queue/src/x.ts', "logger.warn({\n  id: toId({ a }),\n  error: cause,\n}, 'x');"), 1);
  assert.ok(isForbiddenFolder('apps/worker/src/utils'));
});
