import type { Failure } from '@postern/contract';
import {
  createDrainingScript,
  type Keys,
  type MessageChange,
  TRANSITION,
  toFailed,
  toSent,
  toTransitionKeys,
} from '@postern/registry';
import type { Redis } from 'ioredis';
import { toLaneKeys } from './lane-queue.ts';

/** How the end of a job was taken: whether this call ended its message, and whether the job was this owner's still. */
export interface Settled {
  isChanged: boolean;
  isRemoved: boolean;
}

/** Ends jobs in hand. Each call is one script: the message's final state and the end of its job are written together. */
export interface JobSettler {
  sent(lease: HeldLease, messageId: string, sentAt: number): Promise<Settled>;
  failed(lease: HeldLease, messageId: string, failure: Failure): Promise<Settled>;
}

interface HeldLease {
  deviceId: string;
  token: string;
}

// Removes a job from the lane, if it is still in the hand of the one whose token its lock has. KEYS from i on: active, job, lock.
// ARGV: job id, lease token.
const REMOVE = `
local function remove(i)
  if redis.call('GET', KEYS[i + 2]) ~= ARGV[2] then return 0 end
  redis.call('LREM', KEYS[i], -1, ARGV[1])
  return redis.call('DEL', KEYS[i + 1], KEYS[i + 2])
end`;

const removeJob = createDrainingScript<number>(`${REMOVE}
return remove(1)`);

// What became of a message may be said by whoever knows it. KEYS: as above, then the transition's. ARGV: as above, then
// the change.
const settleJob = createDrainingScript<[string, number]>(`${TRANSITION}${REMOVE}
return { transition(4, 3), remove(1) }`);

function toJobKeys(keys: Keys, { deviceId }: HeldLease, jobId: string): string[] {
  const { active, jobPrefix } = toLaneKeys(keys, deviceId);
  const job = jobPrefix + jobId;
  return [active, job, `${job}:lock`];
}

/** Takes a job in hand out of the lane for good; one that is not this owner's any more stays. */
export async function finishJob(redis: Redis, keys: Keys, lease: HeldLease, jobId: string): Promise<void> {
  await removeJob(redis, toJobKeys(keys, lease, jobId), [jobId, lease.token]);
}

export function createJobSettler(redis: Redis, keys: Keys, { recordTtlMs }: { recordTtlMs: number }): JobSettler {
  const settle = async (lease: HeldLease, messageId: string, change: MessageChange): Promise<Settled> => {
    const touched = [...toJobKeys(keys, lease, messageId), ...toTransitionKeys(keys, lease.deviceId, messageId)];
    const [answer, removed] = await settleJob(redis, touched, [messageId, lease.token, ...change]);
    return { isChanged: answer === 'changed', isRemoved: removed > 0 };
  };
  return {
    sent: (lease, messageId, sentAt) => settle(lease, messageId, toSent(sentAt, recordTtlMs)),
    failed: (lease, messageId, failure) => settle(lease, messageId, toFailed(failure, recordTtlMs)),
  };
}
