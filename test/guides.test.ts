import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FAILURES } from '@postern/contract';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const guides = readdirSync(join(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const decisions = readdirSync(join(root, 'docs/adr')).map((name) => `docs/adr/${name}`);
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'packages/simulator/README.md',
  ...guides,
  ...decisions,
];

/** What a heading is called in an address, as GitHub has it. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

test('every link between the pages leads to a file and a heading that exist', () => {
  let links = 0;
  for (const page of pages) {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : relative(root, join(root, dirname(page), path));
      assert.ok(existsSync(join(root, file)), `${page} → ${target}`);
      if (anchor !== undefined) assert.ok(anchorsOf(read(file)).includes(anchor), `${page} → ${target}`);
      links += 1;
    }
  }
  assert.ok(links > 40);
});

test('README leads to every guide', () => {
  const readme = read('README.md');
  for (const guide of guides) assert.ok(readme.includes(`(${guide})`), guide);
});

test('the troubleshooting page explains every failure code', () => {
  const table = read('docs/troubleshooting.md').split('## By code')[1] ?? '';
  const explained = [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(
    ([, cell = '']) => cell.match(/[A-Z_]{5,}/g) ?? [],
  );
  assert.deepEqual(explained.toSorted(), Object.keys(FAILURES).toSorted());
});

test('the scaling page plans with the figures of the performance page', () => {
  const performance = read('docs/performance.md');
  const scaling = read('docs/scaling.md');
  const costOf = (scenario: string) => {
    const row = performance.split('\n').find((line) => line.startsWith(`| ${scenario}, 16 in flight |`)) ?? '';
    const [, gateway, worker, redis] = / ([\d.]+) \+ ([\d.]+) \+ ([\d.]+) /.exec(row) ?? assert.fail(scenario);
    return { gateway, worker, redis };
  };
  const perSecond = (ms: string | undefined) => String(Math.round(1000 / Number(ms)));
  const small = costOf('unique 100 KB');
  const large = costOf('unique 5 MB');
  const row = (part: string) => scaling.split('\n').find((line) => line.startsWith(`| ${part} |`)) ?? '';
  for (const text of [`(${small.gateway} ms a message)`, `${perSecond(small.gateway)} uploads`]) {
    assert.ok(row('gateway').includes(text), text);
  }
  for (const text of [
    `(${small.worker} ms, ${large.worker} ms a message`,
    `${perSecond(small.worker)} unique`,
    `${perSecond(large.worker)} of 5 MB`,
  ]) {
    assert.ok(row('worker').includes(text), text);
  }
  for (const text of [`(${small.redis} ms a message`, `${perSecond(small.redis)} messages`]) {
    assert.ok(row('Redis').includes(text), text);
  }
});

test('every setting that a page names exists', () => {
  const known = new Set([...read('.env.example').matchAll(/^#([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name));
  const codes = new Set(Object.keys(FAILURES));
  const isForeign = /^(APP_|WA_CERT_DETAILS|CHROMIUM_PATH|GF_|MALLOC_|GRAFANA_|NODE_OPTIONS$|REQUIRED$)/;
  for (const page of ['README.md', ...guides]) {
    const named = [...read(page).matchAll(/`([A-Z]+(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g)].map(([, name = '']) => name);
    for (const name of named) assert.ok(known.has(name) || codes.has(name) || isForeign.test(name), `${page}: ${name}`);
  }
});
