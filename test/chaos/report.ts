import type { Findings } from './run-chaos.ts';

/** The figures of a run, as `--json` prints them. */
export function toFigures(findings: Findings) {
  const { failover, handover, left } = findings;
  return {
    accepted: findings.accepted,
    final: findings.final,
    lost: findings.lost.length,
    ids_with_two_messages: findings.idsWithTwoMessages.length,
    second_ids: findings.secondIds.length,
    double_owned_ms: findings.overlaps.reduce((sum, { durationMs }) => sum + durationMs, 0),
    order_violations: findings.orderViolations.length,
    blobs_left: left.blobs,
    failover_ms: failover,
    handover_ms: handover,
    kills: findings.kills,
    unaccepted: findings.unaccepted,
    changed_ids: findings.changedIds.length,
    copies: findings.copies,
    failures: findings.failures,
    refusals: findings.refusals,
    queue_left: { waiting: left.waiting, active: left.active, jobs: left.jobs, deadlines: left.deadlines },
    bad_exits: findings.badExits,
    duration_ms: findings.durationMs,
    loop_delay_ms: findings.loopDelay,
    load: findings.load,
  };
}

/** What must not have happened and did, one line each. */
export function toComplaints(findings: Findings): string[] {
  const { left } = findings;
  const queued = left.waiting + left.active + left.jobs + left.deadlines;
  return [
    ...findings.lost.map(({ key, ids, why }) => `lost: ${key} (${ids.join(', ')}): ${why}`),
    ...findings.failed.map(
      ({ key, ids, code }) => `failed although only infrastructure was disturbed: ${key} (${ids.join(', ')}): ${code}`,
    ),
    ...findings.secondIds.map((key) => `second id at a phone: ${key}`),
    ...findings.idsWithTwoMessages.map((id) => `two contents under one id: ${id}`),
    ...findings.overlaps.map(
      ({ device, at, durationMs }) => `owned twice: ${device} for ${durationMs} ms at ${new Date(at).toISOString()}`,
    ),
    ...findings.orderViolations.map(
      ({ device, phone, overtaken, overtaking }) => `order: ${device} to ${phone}: ${overtaking} overtook ${overtaken}`,
    ),
    ...(left.blobs > 0 ? [`blobs left: ${left.blobs}`] : []),
    ...(queued > 0 ? [`left in the queue: ${JSON.stringify(left)}`] : []),
  ];
}
