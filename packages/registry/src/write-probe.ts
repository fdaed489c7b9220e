import { type ReadinessCheck, withDeadline } from '@postern/runtime';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { toReplyCode } from './reply-code.ts';

/**
 * Writes one small key, as whoever works with this Redis has to: a replica, a full one and one without its disk still
 * answer a PING. Rejects with Redis' refusal. While one write waits for its answer, no second one is begun.
 */
export type WriteProbe = () => Promise<void>;

const PROBE_TTL_MS = 60_000;

/** Of a cluster it writes to the node that keeps this process's key. */
export function createWriteProbe(redis: Redis, keys: Keys, processId: string): WriteProbe {
  let writing: Promise<void> | undefined;
  const write = async () => {
    await redis.set(keys.probe(processId), '1', 'PX', PROBE_TTL_MS);
  };
  return () => {
    writing ??= write().finally(() => {
      writing = undefined;
    });
    return writing;
  };
}

/** Ready while Redis takes writes and says so within `deadlineMs`. */
export function createRedisCheck(probe: WriteProbe, deadlineMs: number): ReadinessCheck {
  return {
    name: 'redis',
    findProblem: () => withDeadline(probe(), deadlineMs, () => new Error('no answer')).then(() => undefined, toProblem),
  };
}

function toProblem(error: unknown): string {
  const code = toReplyCode(error);
  return code === undefined ? 'does not answer' : `refuses writes (${code})`;
}
