import type { Failure, MessageState } from '@postern/contract';
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

/** How the end of a job was taken. */
export interface Settled {
  /** The message's state now; undefined when it has no record. */
  state: MessageState | undefined;
  /** Whether this call ended the message. */
  isChanged: boolean;
  /** Whether the job was this owner's still, and is gone now. */
  isRemoved: boolean;
}

/** Ends jobs in hand. Each call is one script: the message's final state and the end of its job are written together. */
export interface JobSettler {
  /** Whoever knows that a message was sent may say so; `sentAt` in Unix milliseconds. */
  sent(lease: HeldLease, messageId: string, sentAt: number): Promise<Settled>;
  /** Only who has the job in hand may say that it failed: another owner may be sending it. Keeps the job for a retry. */
  failed(lease: HeldLease, messageId: string, failure: Failure): Promise<Settled>;
  /** The same for a job that cannot be read: it goes in any case, also when its record is damaged. Nothing is kept. */
  discarded(lease: HeldLease, messageId: string, failure: Failure): Promise<Settled>;
}

export interface JobSettlerOptions {
  recordTtlMs: number;
  /** How long the job of a failed message is kept; 0: not at all. */
  failedJobTtlMs: number;
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

// KEYS: as above, then the transition's, then where the job is kept. ARGV: as above, whether only who has the job in hand may
// do this, for how many milliseconds the job is kept, then the change.
const settleJob = createDrainingScript<[string, number]>(`${TRANSITION}${REMOVE}
if ARGV[3] == '1' and redis.call('GET', KEYS[3]) ~= ARGV[2] then
  return { redis.call('HGET', KEYS[4], 'state') or 'missing', 0 }
end
local answer = transition(4, 5)
local payload = redis.call('HGET', KEYS[2], 'data')
if answer == 'changed' and ARGV[4] ~= '0' and payload then redis.call('SET', KEYS[7], payload, 'PX', ARGV[4]) end
return { answer, remove(1) }`);

// KEYS: as above, then the transition's. ARGV: as above, then the change.
const discardJob = createDrainingScript<[string, number]>(`${TRANSITION}${REMOVE}
if redis.call('GET', KEYS[3]) ~= ARGV[2] then return { 'missing', 0 } end
local is_done, answer = pcall(transition, 4, 3)
return { is_done and answer or 'missing', remove(1) }`);

function toJobKeys(keys: Keys, { deviceId }: HeldLease, jobId: string): string[] {
  const { active, jobPrefix } = toLaneKeys(keys, deviceId);
  const job = jobPrefix + jobId;
  return [active, job, `${job}:lock`];
}

/** Takes a job in hand out of the lane for good; one that is not this owner's any more stays. */
export async function finishJob(redis: Redis, keys: Keys, lease: HeldLease, jobId: string): Promise<void> {
  await removeJob(redis, toJobKeys(keys, lease, jobId), [jobId, lease.token]);
}

export function createJobSettler(redis: Redis, keys: Keys, options: JobSettlerOptions): JobSettler {
  const { recordTtlMs, failedJobTtlMs } = options;
  const settle = async (
    lease: HeldLease,
    messageId: string,
    change: MessageChange,
    { onlyInHand, keepMs }: { onlyInHand: boolean; keepMs: number },
  ): Promise<Settled> => {
    const { deviceId, token } = lease;
    const touched = [
      ...toJobKeys(keys, lease, messageId),
      ...toTransitionKeys(keys, deviceId, messageId),
      keys.device(deviceId).failedJob(messageId),
    ];
    const [answer, removed] = await settleJob(redis, touched, [
      messageId,
      token,
      onlyInHand ? 1 : 0,
      keepMs,
      ...change,
    ]);
    return toSettled(answer, removed, change);
  };
  return {
    sent: (lease, messageId, sentAt) =>
      settle(lease, messageId, toSent(sentAt, recordTtlMs), { onlyInHand: false, keepMs: 0 }),
    failed: (lease, messageId, failure) =>
      settle(lease, messageId, toFailed(failure, recordTtlMs), { onlyInHand: true, keepMs: failedJobTtlMs }),
    async discarded(lease, messageId, failure) {
      const change = toFailed(failure, recordTtlMs);
      const touched = [...toJobKeys(keys, lease, messageId), ...toTransitionKeys(keys, lease.deviceId, messageId)];
      const [answer, removed] = await discardJob(redis, touched, [messageId, lease.token, ...change]);
      return toSettled(answer, removed, change);
    },
  };
}

function toSettled(answer: string, removed: number, change: MessageChange): Settled {
  const isChanged = answer === 'changed';
  const state = isChanged ? change[1] : answer === 'missing' ? undefined : (answer as MessageState);
  return { state, isChanged, isRemoved: removed > 0 };
}
