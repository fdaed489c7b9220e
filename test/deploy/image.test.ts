import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startLocalRedis } from '@postern/local-redis';
import { Lifetime } from '@postern/runtime';
import { startService } from '../support/service-process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const lifetime = new Lifetime();
let tree: string;
/** Paths of the files in the image, below its folder. */
let files: string[];

before(() => {
  tree = mkdtempSync(join(tmpdir(), 'postern-image-'));
  lifetime.use(tree, (path) => rm(path, { recursive: true, force: true }));
  const run = (command: string, ...args: string[]) => execFileSync(process.execPath, [command, ...args], { cwd: root });
  run('node_modules/typescript/bin/tsc', '-b', 'apps/gateway', 'apps/worker');
  run('deploy/runtime-tree.mjs', tree);
  files = readdirSync(tree, { recursive: true, encoding: 'utf8' });
});
after(() => lifetime.stop());

test('the image takes its files from that tree alone', () => {
  const dockerfile = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8');
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  assert.match(dockerfile, /tsc -b apps\/gateway apps\/worker && node deploy\/runtime-tree\.mjs \/runtime$/m);
  assert.deepEqual(last.match(/^(COPY|ADD) .*$/gm), ['COPY --from=build /runtime ./']);
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
  const context = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  for (const [, names = ''] of dockerfile.matchAll(/^COPY (?!--)(.*) \S+$/gm)) {
    for (const name of names.split(' ')) assert.ok(context.includes(name), `${name} does not go to the builder`);
  }
});

test('nothing is in it but what runs: no sources, no tests, no tools, no demo, no simulator', () => {
  const own = files.filter((file) => !file.startsWith('node_modules'));
  const top = new Set(own.map((file) => file.split('/').slice(0, 2).join('/')));
  const packages = ['contract', 'media', 'queue', 'registry', 'runtime'].map((name) => `packages/${name}`);
  assert.deepEqual([...top].toSorted(), ['apps', 'apps/gateway', 'apps/worker', 'packages', ...packages].toSorted());
  const odd = own.filter((file) =>
    /\.ts$|\.map$|\.test\.|\.fixture\.|\.contract\.|\/(src|testing)(\/|$)|tsconfig/.test(file),
  );
  assert.deepEqual(odd, []);
  for (const name of ['typescript', '@typescript', 'playwright-core', 'knip', 'oxlint', 'jsqr', 'selfsigned']) {
    assert.ok(!files.includes(`node_modules/${name}`), name);
  }
  assert.deepEqual(
    files.filter((file) => file.endsWith('.d.ts')),
    [],
  );
});

test('the licences that ask for more than a notice are the ones that docs/deploying.md explains', () => {
  const manifests = files.filter((file) => /(^|\/)node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(file));
  const others = manifests.flatMap((file) => {
    const read = JSON.parse(readFileSync(join(tree, file), 'utf8')) as {
      name?: string;
      license?: string;
      licenses?: { type: string }[];
    };
    const licence = read.license ?? read.licenses?.map(({ type }) => type).join(' OR ');
    const isKnown = /^(MIT|ISC|BSD-[23]-Clause|0BSD|Apache-2\.0|BlueOak-1\.0\.0)$/.test(licence ?? '');
    return isKnown || read.name?.startsWith('@postern/')
      ? []
      : [`${read.name?.replace(/-(linux|darwin).*/, '')} (${licence})`];
  });
  assert.deepEqual(others.toSorted(), ['@img/sharp-libvips (LGPL-3.0-or-later)', 'libsignal (GPL-3.0)']);
  const guide = readFileSync(join(root, 'docs/deploying.md'), 'utf8');
  for (const name of ['`libsignal` (GPL-3.0)', '`sharp-libvips` (LGPL-3.0-or-later)']) assert.ok(guide.includes(name));
});

test('gateway and worker start from it and are ready, and the pages are there', async () => {
  const redis = lifetime.use(await startLocalRedis(), (started) => started.stop());
  const data = mkdtempSync(join(tmpdir(), 'postern-image-data-'));
  lifetime.use(data, (path) => rm(path, { recursive: true, force: true }));
  const env = { REDIS_URL: redis.url, DATA_DIR: data, PORT: '0', METRICS_PORT: '0', NODE_ENV: 'production' };
  const [gateway, worker] = await Promise.all([
    startService('gateway', env, { tree }),
    startService('worker', env, { tree }),
  ]);
  lifetime.use(gateway, (started) => started.stop());
  lifetime.use(worker, (started) => started.stop());
  const url = `http://127.0.0.1:${String(gateway.ready['port'])}`;
  for (const path of ['/readyz', '/', '/app.js', '/docs', '/docs/swagger-ui-bundle.js', '/openapi.yaml', '/queues']) {
    assert.equal((await fetch(url + path)).status, 200, path);
  }
  assert.equal((await fetch(`http://127.0.0.1:${String(worker.ready['metrics_port'])}/readyz`)).status, 200);
});
