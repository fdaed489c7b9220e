import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delay } from '@postern/runtime';
import { ReuseCache } from './reuse-cache.ts';

const never = new AbortController().signal;
const createCache = (ttlMs = 60_000, maxWeight = 10) =>
  new ReuseCache<string>({ ttlMs, maxWeight, weigh: (value) => value.length });

test('a value is made once for all who ask at the same time and later', async () => {
  const cache = createCache();
  let made = 0;
  const ask = () => cache.get('a', never, async () => `v${++made}`);
  const together = await Promise.all([ask(), ask(), ask()]);
  assert.deepEqual(
    together.map(({ reused }) => reused),
    [false, true, true],
  );
  assert.deepEqual(await ask(), { value: 'v1', reused: true });
});

test('a failure is told to all who wait, and the next call makes the value anew', async () => {
  const cache = createCache();
  const refused = () => cache.get('a', never, () => Promise.reject(new Error('refused')));
  const told = await Promise.allSettled([refused(), refused()]);
  assert.deepEqual(
    told.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.deepEqual(await cache.get('a', never, async () => 'v'), { value: 'v', reused: false });
});

test('what is too old, too heavy or forgotten is made anew, and ttl 0 keeps nothing', async () => {
  const remake = async (cache: ReuseCache<string>, value: string) =>
    !(await cache.get(value, never, async () => value)).reused;
  const short = createCache(5);
  assert.ok(await remake(short, 'a'));
  await delay(10);
  assert.ok(await remake(short, 'a'));
  const cache = createCache();
  for (const value of ['four', 'more', 'last']) assert.ok(await remake(cache, value));
  assert.equal(cache.weight, 8);
  assert.equal(await remake(cache, 'more'), false);
  assert.ok(await remake(cache, 'four'));
  cache.forget((key, value) => key === 'four' && value === 'four');
  assert.ok(await remake(cache, 'four'));
  assert.ok(await remake(cache, 'longer than all'));
  assert.ok(await remake(cache, 'longer than all'));
  const off = createCache(0);
  assert.ok((await remake(off, 'a')) && (await remake(off, 'a')));
  assert.equal(off.weight, 0);
});

test('who aborts leaves at once; making goes on while another waits, and stops with the last', async () => {
  const cache = createCache();
  const [first, second] = [new AbortController(), new AbortController()];
  let seen: AbortSignal | undefined;
  const make = (signal: AbortSignal) => {
    seen = signal;
    return new Promise<string>(() => {});
  };
  const asks = [cache.get('a', first.signal, make), cache.get('a', second.signal, make)];
  const ends = asks.map((ask) => assert.rejects(ask, /left/));
  first.abort(new Error('left'));
  await ends[0];
  assert.equal(seen?.aborted, false);
  second.abort(new Error('left'));
  await ends[1];
  assert.equal(seen?.aborted, true);
  assert.deepEqual(await cache.get('a', never, async () => 'v'), { value: 'v', reused: false });
});
