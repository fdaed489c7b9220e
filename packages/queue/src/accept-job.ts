import type { JobName, MessageRecord, SendImageJob } from '@postern/contract';
import { CREATE_RECORD, createScript, type Keys, toOwner, toRecordArguments } from '@postern/registry';
import type { Redis } from 'ioredis';
import { toLaneKeys } from './lane-queue.ts';

/** What became of a job that was handed in. */
export interface AcceptedJob {
  /** `full`: as many messages wait as may; `gone`: the device was removed. Nothing was written then. */
  outcome: 'accepted' | 'full' | 'gone';
  /** How many messages waited before. */
  waiting: number;
  /** The device's owner, if it has the lane closed and must be told. */
  toWake: string | undefined;
}

// What BullMQ's own `add` writes for these options; a test compares the two.
const NAME: JobName = 'send-image';
const toOptions = (jobId: string) => JSON.stringify({ jobId, removeOnComplete: true, removeOnFail: true, attempts: 1 });

// A job is added once, only for a record that is `queued`, and only while the device is there that it was meant for. KEYS:
// record, index of messages, wait, marker, meta, job, lane open, lease, device record. ARGV: name, payload, options, now, how
// many may wait (0: any number), when the device was registered (empty: not known), then the record's.
const accept = createScript<[AcceptedJob['outcome'], number, string]>(`${CREATE_RECORD}
local waiting = redis.call('LLEN', KEYS[3])
local state = redis.call('HGET', KEYS[1], 'state')
local has_job = redis.call('EXISTS', KEYS[6]) == 1
if state and (state ~= 'queued' or has_job) then return { 'accepted', waiting, '' } end
local device = redis.call('HMGET', KEYS[9], 'created_at', 'removed_at')
local is_other = ARGV[6] ~= '' and device[1] ~= ARGV[6]
if not device[1] or device[2] or is_other then return { 'gone', waiting, '' } end
if not state and ARGV[5] ~= '0' and waiting >= tonumber(ARGV[5]) then return { 'full', waiting, '' } end
create(KEYS[1], KEYS[2], 7)
if not has_job then
  redis.call('HSET', KEYS[6], 'name', ARGV[1], 'data', ARGV[2], 'opts', ARGV[3], 'timestamp', ARGV[4], 'delay', 0, 'priority', 0)
  redis.call('LPUSH', KEYS[3], ARGV[7])
  if redis.call('HEXISTS', KEYS[5], 'paused') == 0 then redis.call('ZADD', KEYS[4], 0, '0') end
end
if redis.call('EXISTS', KEYS[7]) == 1 then return { 'accepted', waiting, '' } end
return { 'accepted', waiting, redis.call('GET', KEYS[8]) or '' }`);

/** Writes a message's record and its job in one step, or what of them is missing. */
export async function acceptJob(
  redis: Redis,
  keys: Keys,
  job: SendImageJob,
  { recordTtlMs, limit }: { recordTtlMs: number; limit: number },
): Promise<AcceptedJob> {
  const { device_id: deviceId, message_id: messageId } = job;
  const device = keys.device(deviceId);
  const { wait, marker, meta, jobPrefix } = toLaneKeys(keys, deviceId);
  const jobKey = jobPrefix + messageId;
  const [outcome, waiting, token] = await accept(
    redis,
    [
      device.message(messageId),
      device.messageIndex,
      wait,
      marker,
      meta,
      jobKey,
      device.laneOpen,
      device.lease,
      device.record,
    ],
    [
      NAME,
      JSON.stringify(job),
      toOptions(messageId),
      Date.now(),
      limit,
      job.device_created_at ?? '',
      ...toRecordArguments(toQueuedRecord(job), recordTtlMs),
    ],
  );
  return { outcome, waiting, toWake: token === '' ? undefined : toOwner(token) };
}

/** The record of a message that waits in its lane. */
export function toQueuedRecord(job: SendImageJob): MessageRecord {
  return {
    message_id: job.message_id,
    device_id: job.device_id,
    phone: job.recipient.jid,
    state: 'queued',
    attempts: 0,
    created_at: job.accepted_at,
    expires_at: job.expires_at,
    ...(job.principal === undefined ? {} : { principal: job.principal }),
    ...(job.retry_of === undefined ? {} : { retry_of: job.retry_of }),
  };
}
