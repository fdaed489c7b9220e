import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { LEASE_TOKEN, sendTo, startLinked } from './linked-session.fixture.ts';
import { AsyncLocalStorageInFrame } from './shared-async-context.ts';

// Node's own, since nothing has asked for the shared kind yet.
const STORAGES: Record<string, typeof AsyncLocalStorage> = {
  'Node’s own': AsyncLocalStorage,
  'the one in a shared frame': AsyncLocalStorageInFrame,
};

for (const [name, Storage] of Object.entries(STORAGES)) {
  test(`${name}: values follow their own work through promises, timers and nested runs`, async () => {
    const [first, second] = [new Storage<string>(), new Storage<string>()];
    const seen = async () => {
      await turn();
      await new Promise((resolve) => setTimeout(resolve, 1));
      return [first.getStore(), second.getStore()];
    };
    const work = (value: string) =>
      first.run(value, async () => {
        const inner = second.run(`${value} inside`, seen);
        const nested = first.run(`${value} nested`, seen);
        return [await seen(), await inner, await nested];
      });
    assert.deepEqual(await Promise.all([work('a'), work('b')]), [
      [
        ['a', undefined],
        ['a', 'a inside'],
        ['a nested', undefined],
      ],
      [
        ['b', undefined],
        ['b', 'b inside'],
        ['b nested', undefined],
      ],
    ]);
    assert.deepEqual(await seen(), [undefined, undefined]);
  });

  test(`${name}: leaves, enters, hands on and gives up a context`, async () => {
    const storage = new Storage<string>();
    const passed = (...args: number[]) => [storage.getStore(), ...args];
    await storage.run('outer', async () => {
      assert.deepEqual(storage.run('inner', passed, 1, 2), ['inner', 1, 2]);
      assert.deepEqual(storage.exit(passed, 3), [undefined, 3]);
      const bound = Storage.bind(passed);
      const inSnapshot = Storage.snapshot();
      storage.enterWith('entered');
      await turn();
      assert.equal(storage.getStore(), 'entered');
      assert.deepEqual(bound(4), ['outer', 4]);
      assert.deepEqual(inSnapshot(passed, 5), ['outer', 5]);
      storage.disable();
      assert.equal(storage.getStore(), undefined);
      assert.equal(
        storage.run('again', () => storage.getStore()),
        'again',
      );
    });
  });

  test(`${name}: what is thrown leaves no context behind`, async () => {
    const storage = new Storage<string>();
    assert.throws(
      () =>
        storage.run('value', () => {
          throw new Error('thrown');
        }),
      /thrown/,
    );
    assert.equal(storage.getStore(), undefined);
    await assert.rejects(
      storage.run('value', () => Promise.reject(new Error('rejected'))),
      /rejected/,
    );
    assert.equal(storage.getStore(), undefined);
  });
}

test('a promise carries no more with six devices than with one', async (t) => {
  const bench = await startLinked(t);
  const carried = () => Object.getOwnPropertySymbols(Promise.resolve()).length;
  await sendTo(bench.opened.session, bench.friend.number);
  const withOne = carried();
  for (let index = 2; index <= 6; index += 1) {
    const deviceId = `device-${index}`;
    await bench.redis.set(bench.keys.device(deviceId).lastHolder, LEASE_TOKEN);
    const phone = bench.simulator.addPhone({ number: `628110000010${index}` });
    const pairing = bench.open(deviceId);
    await phone.scan((await pairing.until('qr')).qr);
    await pairing.until('closed');
    const linked = bench.open(deviceId);
    await linked.until('connected');
    await sendTo(linked.session, bench.friend.number);
  }
  assert.equal(carried(), withOne);
});
