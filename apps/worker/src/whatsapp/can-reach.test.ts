import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulator } from '@postern/simulator';
import { canReach } from './can-reach.ts';

test('a server is reached while it is there, and not any more when it is gone', async () => {
  const simulator = await startSimulator();
  assert.equal(await canReach(simulator.webSocketUrl), true);
  await simulator.stop();
  assert.equal(await canReach(simulator.webSocketUrl), false);
});
