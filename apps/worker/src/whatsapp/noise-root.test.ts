import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { startBench } from './linked-session.fixture.ts';
import { trustNoiseRoot } from './noise-root.ts';

test('a server whose certificates do not come from the trusted root is not talked to', async (t) => {
  const bench = await startBench(t);
  trustNoiseRoot(randomBytes(32).toString('hex'));
  const refused = bench.open();
  const closed = await refused.until('closed');
  assert.deepEqual(
    [closed.reason, closed.detail],
    ['connection_lost', "the server could not prove that it is WhatsApp's"],
  );
  assert.deepEqual(
    refused.events.map(({ type }) => type),
    ['closed'],
  );
  trustNoiseRoot(bench.simulator.noiseRootKey);
  await bench.open().until('qr');
});

test('a root key that is not 64 hexadecimal digits is refused', () => {
  for (const text of ['', 'ab', 'z'.repeat(64)]) assert.throws(() => trustNoiseRoot(text));
});
