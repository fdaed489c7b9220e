import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '@postern/runtime';
import { LanePurges, type LanePurgesDeps } from './lane-purges.ts';

/** Purges of a lane of three chunks, each of which is cancelled when it is let. */
function createPurges() {
  const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
  const settled: string[] = [];
  const deleted: string[] = [];
  const forgotten: string[] = [];
  let begun = 0;
  const deps: LanePurgesDeps = {
    async *purge() {
      begun += 1;
      for (const [index, gate] of gates.entries()) {
        await gate.promise;
        yield { cancelled: [`m${index}`], remaining: gates.length - 1 - index };
      }
    },
    messages: { forgetDeadline: async (_deviceId, ...messageIds) => void forgotten.push(...messageIds) },
    blobs: { delete: async (messageId) => void deleted.push(messageId) },
    outcomes: { onSettled: (messageId) => void settled.push(messageId) },
    metrics: { cancelled: { inc: () => {} } as unknown as LanePurgesDeps['metrics']['cancelled'] },
    logger: createLogger({ name: 'test', level: 'silent' }),
  };
  return { purges: new LanePurges(deps), gates, seen: { settled, deleted, forgotten }, begun: () => begun };
}

test('a long purge tells how far it is and goes on; who asks again joins it', async () => {
  const { purges, gates, seen, begun } = createPurges();
  assert.deepEqual(await purges.purge('d', 0), { cancelled: 0, remaining: 0, isComplete: false });
  gates[0]?.resolve();
  gates[1]?.resolve();
  for (let progress = await purges.purge('d', 0); progress.cancelled < 2; progress = await purges.purge('d', 0)) {
    assert.equal(progress.isComplete, false);
  }
  assert.deepEqual(await purges.purge('d', 0), { cancelled: 2, remaining: 1, isComplete: false });
  gates[2]?.resolve();
  assert.deepEqual(await purges.purge('d', 60_000), { cancelled: 3, remaining: 0, isComplete: true });
  const all = ['m0', 'm1', 'm2'];
  assert.deepEqual([seen, begun()], [{ settled: all, deleted: all, forgotten: all }, 1]);
});

test('a gateway that stops leaves what it has not cancelled in its lane', async () => {
  const { purges, gates, seen } = createPurges();
  await purges.purge('d', 0);
  const stopped = purges.stop();
  for (const gate of gates) gate.resolve();
  await stopped;
  assert.deepEqual(seen.settled, ['m0']);
});
