import { loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { auditMessages, type MessageAudit } from './audit-messages.ts';
import { awaitFinal, awaitSwept, type Leftovers } from './await-quiet.ts';
import { converse } from './conversations.ts';
import { carryOut } from './disturb.ts';
import { findDoubleOwned, isExcused, type Overlap } from './find-double-owned.ts';
import { findOrderViolations, type OrderViolation } from './find-order-violations.ts';
import { Gate } from './gate.ts';
import { measureRecovery, type Spread } from './measure-recovery.ts';
import type { ChaosOptions } from './options.ts';
import { createPlan, type DisturbanceKind, type Planned } from './plan.ts';
import { createRandom } from './random.ts';
import { startWorld } from './world.ts';

/** What a run found. Durations in milliseconds. */
export interface Findings extends MessageAudit {
  overlaps: Overlap[];
  orderViolations: OrderViolation[];
  left: Leftovers;
  /** After SIGKILL. */
  failover: Spread;
  /** After SIGTERM. */
  handover: Spread;
  kills: Partial<Record<DisturbanceKind, number>>;
  /** Statuses of processes that were told to stop, other than 0. */
  badExits: string[];
  /** Answers that told of no acceptance, by code. */
  refusals: Record<string, number>;
  durationMs: number;
  /** Of this process, in which clients and simulator run: the 99th percentile and the longest. */
  loopDelay: { p99: number; max: number };
  /** Of the machine, over the last minute of the run. */
  load: number;
}

/** Messages that may begin after a disturbance is due and before it strikes. */
const AHEAD = 20;
/** Enough for every device to be written to while those of a killed worker recover. */
const AHEAD_WHILE_RECOVERING = 500;
const AUDIT_STREAM = 1_000_000;

/** Starts everything, sends while things go wrong, waits for quiet, and looks at what came of it. */
export async function runChaos(
  options: ChaosOptions,
  plan: readonly Planned[] = createPlan(options),
): Promise<Findings> {
  const world = await startWorld(options);
  try {
    options.onProgress(`${world.devices.length} devices are paired`);
    const begun = performance.now();
    const delays = monitorEventLoopDelay();
    delays.enable();
    const { messages, perSecond, only } = options;
    const gate = new Gate(messages, plan, { perSecond, ahead: only ? AHEAD_WHILE_RECOVERING : AHEAD });
    const [sendings, kills] = await Promise.all([
      converse(gate, world, options),
      carryOut(plan, gate, world, { isolated: only !== undefined, onProgress: options.onProgress }),
    ]);
    delays.disable();
    const [load = 0] = loadavg();
    const durationMs = Math.round(performance.now() - begun);
    options.onProgress(`all are sent; waiting for quiet`);
    const statuses = await awaitFinal(sendings, world, createRandom(options.seed, AUDIT_STREAM));
    options.onProgress('looking at what is left');
    const left = await awaitSwept(world);
    options.onProgress('stopping');
    const { witness, jids, recipients, gateways, workers } = world;
    const refusals: Record<string, number> = {};
    for (const sending of sendings) {
      for (const [code, count] of sending.refusals) refusals[code] = (refusals[code] ?? 0) + count;
    }
    return {
      ...auditMessages(sendings, statuses, recipients),
      overlaps: findDoubleOwned(witness.sockets).filter(
        (overlap) => !isExcused(overlap, witness.frozen, options.leaseTtlMs),
      ),
      orderViolations: findOrderViolations(sendings, witness.stanzas),
      left,
      failover: measureRecovery('killed', witness, jids, sendings),
      handover: measureRecovery('stopped', witness, jids, sendings),
      kills,
      badExits: [
        ...gateways.badExits.map((exit) => `gateway ${exit}`),
        ...workers.badExits.map((exit) => `worker ${exit}`),
      ],
      refusals,
      durationMs,
      loopDelay: { p99: Math.round(delays.percentile(99) / 1e6), max: Math.round(delays.max / 1e6) },
      load: Math.round(load * 10) / 10,
    };
  } finally {
    await world.stop();
  }
}
