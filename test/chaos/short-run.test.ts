import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DISTURBANCE_KINDS } from './plan.ts';
import { toComplaints } from './report.ts';
import { runChaos } from './run-chaos.ts';

test('every message is sent while processes, Redis, its connections, the images and WhatsApp fail in every way there is', async (t) => {
  const sizes = { messages: 200, devices: 4, gateways: 2, workers: 2 };
  const findings = await runChaos({
    ...sizes,
    seed: 1,
    leaseTtlMs: 2_000,
    redis: 'single',
    perSecond: undefined,
    only: undefined,
    logDirectory: undefined,
    onProgress: (line) => t.diagnostic(line),
  });
  assert.deepEqual(toComplaints(findings), []);
  assert.deepEqual([findings.accepted, findings.unaccepted], [sizes.messages, 0]);
  assert.deepEqual(findings.final, { sent: sizes.messages, failed: 0 });
  assert.deepEqual(Object.keys(findings.kills).toSorted(), DISTURBANCE_KINDS.toSorted());
});
