import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

test('tasks of one key run one after the other, a failed one too; those of others run beside them', async () => {
  const turns = new Turns();
  const log: string[] = [];
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const slow = turns.run('a', async () => {
    log.push('a1 begins');
    await released;
    log.push('a1 ends');
    throw new Error('a1');
  });
  const next = turns.run('a', async () => log.push('a2'));
  await turns.run('b', async () => log.push('b1'));
  assert.deepEqual(log, ['a1 begins', 'b1']);
  release();
  await assert.rejects(slow, /a1/);
  await next;
  assert.deepEqual(log, ['a1 begins', 'b1', 'a1 ends', 'a2']);
});
