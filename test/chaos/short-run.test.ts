import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toComplaints } from './report.ts';
import { runChaos } from './run-chaos.ts';

test('messages survive killed workers and gateways, a Redis that dies or stops, broken connections and lost acks', async (t) => {
  const sizes = { messages: 200, devices: 4, gateways: 2, workers: 2 };
  const findings = await runChaos({
    ...sizes,
    seed: 1,
    leaseTtlMs: 2_000,
    perSecond: undefined,
    only: undefined,
    logDirectory: undefined,
    onProgress: (line) => t.diagnostic(line),
  });
  assert.deepEqual(toComplaints(findings), []);
  assert.deepEqual([findings.accepted, findings.unaccepted], [sizes.messages, 0]);
  const { sent, failed } = findings.final;
  assert.equal(sent + failed, sizes.messages);
  assert.equal(Object.keys(findings.kills).length, 12);
});
