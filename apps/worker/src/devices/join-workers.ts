import { WorkerIdTakenError, type Workers } from '@postern/registry';
import { delay, monotonicMs } from '@postern/runtime';

export interface JoinOptions {
  workers: Workers;
  workerId: string;
  leaseTtlMs: number;
}

const AGAIN_MS = 200;
/** A process that died is forgotten after one lease TTL; one that is still there after this many lives. */
const TTLS = 1.5;

/** Enters this process under its worker id. Throws WorkerIdTakenError when another one that lives has it. */
export async function joinWorkers({ workers, workerId, leaseTtlMs }: JoinOptions): Promise<void> {
  const startedAt = monotonicMs();
  for (;;) {
    try {
      await workers.beat(workerId, leaseTtlMs);
      return;
    } catch (error) {
      if (!(error instanceof WorkerIdTakenError) || monotonicMs() - startedAt > TTLS * leaseTtlMs) throw error;
      await delay(AGAIN_MS);
    }
  }
}
