import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lifetime, withLifetime } from './lifetime.ts';

test('releases run newest first and exactly once', async () => {
  const released: string[] = [];
  const lifetime = new Lifetime();
  lifetime.use('a', (name) => released.push(name));
  lifetime.use('b', (name) => released.push(name));
  await Promise.all([lifetime.stop(), lifetime.stop()]);
  assert.deepEqual(released, ['b', 'a']);
});

test('a release that throws does not keep the others from running', async () => {
  let released = false;
  const lifetime = new Lifetime();
  lifetime.use(0, () => {
    released = true;
  });
  lifetime.use(0, () => {
    throw new Error('stuck');
  });
  await assert.rejects(lifetime.stop(), /stuck/);
  assert.ok(released);
});

test('once it is abandoned, what does not end is not waited for, and the rest is released all the same', async () => {
  const lifetime = new Lifetime();
  const released: string[] = [];
  lifetime.use('first', (name) => released.push(name));
  lifetime.use('stuck', () => new Promise(() => {}));
  const abandoning = new AbortController();
  const stopping = lifetime.stop(abandoning.signal);
  assert.deepEqual(released, []);
  abandoning.abort();
  await stopping;
  assert.deepEqual(released, ['first']);
});

test('a start-up that fails half-way releases what it had acquired', async () => {
  let released = false;
  await assert.rejects(
    withLifetime(async (lifetime) => {
      lifetime.use(0, () => {
        released = true;
      });
      throw new Error('port in use');
    }),
    /port in use/,
  );
  assert.ok(released);
});
