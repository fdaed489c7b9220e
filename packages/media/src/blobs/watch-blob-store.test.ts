import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { createLogger, createMetricsRegistry, delay } from '@postern/runtime';
import { createDirectoryBlobStore } from './directory-blob-store.ts';
import { watchBlobStore } from './watch-blob-store.ts';

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, 'it did not happen within 5 s');
    await delay(5);
  }
}

async function startWatch(t: TestContext, store: Parameters<typeof watchBlobStore>[0]) {
  const lines: { level: string; msg: string }[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  const registry = createMetricsRegistry();
  const logger = createLogger({ name: 'test', level: 'info', destination });
  const watch = await watchBlobStore(store, { intervalMs: 5, registry, logger });
  t.after(() => watch.stop());
  const isUp = async () => /^postern_blob_store_up ([01])$/m.exec(await registry.metrics())?.[1];
  return { lines, check: watch.check, isUp };
}

test('a store that goes away and comes back is seen, measured, and logged once each way', async (t) => {
  const parent = await mkdtemp(join(tmpdir(), 'watched-'));
  t.after(() => rm(parent, { recursive: true }));
  const directory = join(parent, 'store');
  const store = createDirectoryBlobStore({ directory });
  await store.identity();
  const { lines, check, isUp } = await startWatch(t, store);
  assert.equal(check.findProblem(), undefined);
  assert.equal(await isUp(), '1');
  await rename(directory, join(parent, 'away'));
  await until(() => check.findProblem() !== undefined);
  assert.match(String(await check.findProblem()), /not mounted/);
  assert.equal(await isUp(), '0');
  await mkdir(directory);
  await rm(directory, { recursive: true });
  await rename(join(parent, 'away'), directory);
  await until(() => check.findProblem() === undefined);
  assert.equal(await isUp(), '1');
  assert.deepEqual(
    lines.map(({ level, msg }) => `${level} ${msg}`),
    ['error blob store unavailable', 'info blob store available again'],
  );
});

test('a store that is away when the process starts is known at once', async (t) => {
  const { check } = await startWatch(t, { probe: () => Promise.reject(new Error('not mounted')) });
  assert.equal(check.findProblem(), 'not mounted');
});
