import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditMessages } from './audit-messages.ts';
import { toComplaints } from './report.ts';
import type { Sending } from './sending.ts';

function sending(id: string): Sending {
  const known = {
    device: 'd',
    phone: '62811',
    sha256: '',
    startedAt: 1,
    acceptedAt: 2,
    refusals: new Map(),
    requests: 1,
  };
  return { key: `key-${id}`, ids: [id], ...known };
}

test('a message that failed is a complaint although it ended as promised', () => {
  const statuses = new Map([['a', { state: 'failed', attempts: 1, code: 'DEVICE_NOT_CONNECTED' }]]);
  const audit = auditMessages([sending('a')], statuses, []);
  assert.deepEqual(
    [audit.final, audit.failures, audit.lost],
    [{ sent: 0, failed: 1 }, { DEVICE_NOT_CONNECTED: 1 }, []],
  );
  const none = { count: 0, p50: 0, max: 0 };
  const complaints = toComplaints({
    ...audit,
    overlaps: [],
    orderViolations: [],
    left: { waiting: 0, active: 0, jobs: 0, deadlines: 0, blobs: 0 },
    failover: none,
    handover: none,
    kills: {},
    badExits: [],
    refusals: {},
    durationMs: 0,
    loopDelay: { p99: 0, max: 0 },
    load: 0,
  });
  assert.deepEqual(complaints, ['failed although only infrastructure was disturbed: key-a (a): DEVICE_NOT_CONNECTED']);
});
