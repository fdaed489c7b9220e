import { type LiveWorkers, WorkerIdTakenError, type Workers } from '@postern/registry';
import { type Logger, monotonicMs } from '@postern/runtime';
import type { Connection } from './connection.ts';
import type { Reachability } from './reachability.ts';

export interface MembershipOptions {
  workers: Workers;
  workerId: string;
  leaseTtlMs: number;
  reachability: Reachability;
  logger: Logger;
}

/**
 * Whether this worker takes part in owning devices. `member`: yes, beside the `live` ones; `isBack` when Redis did not take
 * its beats for so long that leases may have run out. `leaves`: no more, and the `peers` are connected, for its devices.
 * `away`: not at the moment.
 */
export type Standing =
  | { type: 'member'; live: string[]; isBack: boolean }
  | { type: 'leaves'; peers: string[] }
  | { type: 'away' };

const CUT_OFF = 'WhatsApp cannot be reached from here';

/** This worker among the others: it says that it lives, and leaves them while it is cut off from WhatsApp. */
export class Membership {
  readonly #options: MembershipOptions;
  #isBeating = true;
  #problem: string | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Why this worker takes no devices, for its readiness. */
  get problem(): string | undefined {
    return this.#options.reachability.isCutOff ? CUT_OFF : this.#problem;
  }

  /** To be called again and again, with the states of this worker's devices. Throws WorkerIdTakenError, and Redis' errors. */
  async beat(states: readonly Connection['state'][]): Promise<Standing> {
    const { workers, workerId, leaseTtlMs, reachability, logger } = this.#options;
    if (reachability.isCutOff) {
      await reachability.look(states, false);
      return { type: 'away' };
    }
    const wasBeating = this.#isBeating;
    this.#isBeating = false;
    const startedAt = monotonicMs();
    const live = await this.#sayAlive(states.includes('connected'));
    this.#isBeating = true;
    const isBack = !wasBeating || monotonicMs() - startedAt > leaseTtlMs / 3;
    const peers = live.connected.filter((id) => id !== workerId);
    await reachability.look(states, peers.length > 0);
    if (!reachability.isCutOff) return { type: 'member', live: live.all, isBack };
    logger.error({ devices: states.length }, `${CUT_OFF}: letting every device go to workers that are connected`);
    await workers
      .leave(workerId)
      .catch((error: unknown) => logger.warn({ err: error }, 'the other workers are not told'));
    return { type: 'leaves', peers };
  }

  async #sayAlive(isConnected: boolean): Promise<LiveWorkers> {
    const { workers, workerId, leaseTtlMs } = this.#options;
    try {
      const live = await workers.beat(workerId, leaseTtlMs, isConnected);
      this.#problem = undefined;
      return live;
    } catch (error) {
      if (error instanceof WorkerIdTakenError) this.#problem = error.message;
      throw error;
    }
  }
}
