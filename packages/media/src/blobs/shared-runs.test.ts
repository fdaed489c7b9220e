import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSharedRuns } from './shared-runs.ts';

function controlled() {
  const runs: PromiseWithResolvers[] = [];
  const run = createSharedRuns(() => {
    const { promise, ...settle } = withResolvers();
    runs.push({ promise, ...settle });
    return promise;
  });
  return { runs, run };
}

interface PromiseWithResolvers {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: Error) => void;
}

function withResolvers(): PromiseWithResolvers {
  let settle: Omit<PromiseWithResolvers, 'promise'> | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  if (!settle) throw new Error('a promise runs its executor at once');
  return { promise, ...settle };
}

const settled = async (promise: Promise<unknown>) => {
  let is = false;
  promise.finally(() => (is = true)).catch(() => {});
  await new Promise(setImmediate);
  return is;
};

test('who asks while it runs waits for a run that begins afterwards, and shares it', async () => {
  const { runs, run } = controlled();
  const first = run();
  const others = [run(), run(), run()];
  assert.equal(runs.length, 1);
  runs[0]?.resolve();
  await first;
  assert.equal(await settled(Promise.race(others)), false);
  assert.equal(runs.length, 2);
  runs[1]?.resolve();
  await Promise.all(others);
  assert.equal(runs.length, 2);
});

test('who asks when nothing runs gets a run at once', async () => {
  const { runs, run } = controlled();
  for (let n = 0; n < 3; n += 1) {
    const mine = run();
    assert.equal(runs.length, n + 1);
    runs[n]?.resolve();
    await mine;
  }
});

test('a failed run rejects for those who share it, and not for those who come later', async () => {
  const { runs, run } = controlled();
  const first = run();
  const [second, third] = [run(), run()];
  runs[0]?.reject(new Error('disk'));
  await assert.rejects(first, /disk/);
  await settled(second);
  runs[1]?.reject(new Error('again'));
  await assert.rejects(second, /again/);
  await assert.rejects(third, /again/);
  const fourth = run();
  runs[2]?.resolve();
  await fourth;
});
