import { delay } from '@postern/runtime';
import { readCpuMs, readPeakMb, readResidentMb, resetPeak } from './process-usage.ts';
import type { LoadResult } from './run-load.ts';
import type { World } from './world.ts';

export type Role = keyof World['pids'];

/** One run of a scenario or of its baseline. */
export interface Measurement {
  messages: number;
  failed: number;
  error: string | undefined;
  perSecond: number;
  p50: number;
  p95: number;
  p99: number;
  /** CPU milliseconds a message. */
  cpuMs: Record<Role, number>;
  residentMb: Record<Role, number>;
  peakMb: Record<Role, number>;
}

/** Receipts, records and key writes that belong to the run but outlast its last answer. */
const AFTERWORK_MS = 300;

/** Runs a load and accounts for what every process used for it. */
export async function measure({ pids }: World, run: () => Promise<LoadResult>): Promise<Measurement> {
  for (const pid of Object.values(pids).flat()) resetPeak(pid);
  const before = byRole(pids, readCpuMs);
  const { sent, failed, error, elapsedMs, latenciesMs } = await run();
  await delay(AFTERWORK_MS);
  const after = byRole(pids, readCpuMs);
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const percentile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    messages: sent,
    failed,
    error,
    perSecond: (sent * 1000) / elapsedMs,
    p50: percentile(0.5),
    p95: percentile(0.95),
    p99: percentile(0.99),
    cpuMs: mapRoles((role) => (after[role] - before[role]) / Math.max(1, sent)),
    residentMb: byRole(pids, readResidentMb),
    peakMb: byRole(pids, readPeakMb),
  };
}

function byRole(pids: World['pids'], read: (pid: number) => number): Record<Role, number> {
  return mapRoles((role) => pids[role].reduce((sum, pid) => sum + read(pid), 0));
}

function mapRoles(toValue: (role: Role) => number): Record<Role, number> {
  return {
    gateway: toValue('gateway'),
    worker: toValue('worker'),
    redis: toValue('redis'),
    simulator: toValue('simulator'),
    load: toValue('load'),
    baseline: toValue('baseline'),
  };
}
