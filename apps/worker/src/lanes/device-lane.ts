import type { MessageRecord, SendImageJob } from '@postern/contract';
import {
  type JobSettler,
  Lane,
  type LendSlot,
  peekIds,
  postMail,
  readDepths,
  readJobs,
  toQueuedRecord,
} from '@postern/queue';
import {
  createLanePauses,
  type FailedJobs,
  type Keys,
  type Lease,
  type Messages,
  type RedisClock,
  setDraining,
} from '@postern/registry';
import type { Logger, Tracing } from '@postern/runtime';
import type { Redis } from 'ioredis';
import type { WorkerMetrics } from '../metrics.ts';
import type { Session } from '../whatsapp/whatsapp.ts';
import { ChatOrder } from './chat-order.ts';
import { endUnreadable } from './end-unreadable.ts';
import { keepRecord } from './keep-record.ts';
import { LazyLane } from './lazy-lane.ts';
import { LookAhead } from './look-ahead.ts';
import { type PrepareDependencies, prepareMessage } from './prepare-message.ts';
import { RelayGate, type RelayGateDependencies } from './relay-gate.ts';
import { type SendOptions, type SendOutcome, sendMessage } from './send-message.ts';
import { settle } from './settle.ts';
import { traceMessage } from './trace-message.ts';
import type { UploadCache } from './upload-cache.ts';

/** What every lane of a worker uses. */
export interface DeviceLaneDependencies extends Omit<PrepareDependencies, 'logger'>, RelayGateDependencies {
  redis: Redis;
  keys: Keys;
  messages: Messages;
  jobs: JobSettler;
  metrics: WorkerMetrics;
  tracing: Tracing;
  uploads: UploadCache;
  failedJobs: FailedJobs;
  redisClock: RedisClock;
  laneConcurrency: number;
  send: Pick<SendOptions, 'maxAttempts' | 'budgetMs' | 'backoffBaseMs' | 'backoffMaxMs' | 'storeRetryMs'>;
}

export interface DeviceLaneOptions {
  deps: DeviceLaneDependencies;
  lease: Lease;
  session: (signal: AbortSignal) => Promise<Session>;
  /** Aborts when this worker lets go of the device. */
  signal: AbortSignal;
  onAck: (acknowledgedAt: number) => void;
  logger: Logger;
}

/** An open lane without messages is closed after this long, in milliseconds. */
const LANE_IDLE_MS = 60_000;
/** How late an open lane may notice that it was paused or resumed, in milliseconds, when the news of it is lost. */
const RECHECK_PAUSE_MS = 2_000;

/** The lane of an owned device: its messages, from being taken in hand to being settled. */
export function createDeviceLane({ deps, lease, session, signal, onAck, logger }: DeviceLaneOptions): LazyLane {
  const { redis, keys, messages, jobs, blobs, metrics, laneConcurrency } = deps;
  const { deviceId, token } = lease;
  const { laneOpen } = keys.device(deviceId);
  const pauses = createLanePauses(redis, keys);
  const order = new ChatOrder();
  const gate = new RelayGate(deviceId, deps);
  const onError = (error: unknown) => logger.warn({ err: error }, 'lane error');
  const lookAhead = new LookAhead({
    peekIds: (count) => peekIds(redis, keys, deviceId, count),
    readJobs: (ids) => readJobs(redis, keys, deviceId, ids),
    onError: (error) => logger.debug({ err: error }, 'recipients not looked up early'),
  });

  const process = async (
    job: SendImageJob,
    record: MessageRecord | undefined,
    takenAt: number,
    lendSlot: LendSlot,
  ): Promise<'settled' | 'finished' | 'released'> => {
    // Taken before anything is awaited: jobs come in the lane's order.
    const turn = order.take(job.recipient.jid);
    const trace = traceMessage(job, deps);
    const { stage, traceId } = trace;
    const { message_id, request_id } = job;
    const ids = { message_id, request_id, ...(traceId === undefined ? {} : { trace_id: traceId }) };
    const jobLogger = logger.child(ids);
    const kept = keepRecord(job, { messages, jobs, onRebuilt: () => metrics.countRebuiltRecord(), logger: jobLogger });
    let outcome: SendOutcome | undefined;
    try {
      metrics.observeStage('queue_wait', Math.max(0, takenAt - job.accepted_at) / 1000);
      outcome = await sendMessage(
        { job, record: record ?? toQueuedRecord(job), turn, takenAt },
        {
          ...deps.send,
          messages: kept.messages,
          clock: deps.redisClock.clock,
          stage,
          lendSlot,
          signal,
          session: async (aborted) => {
            const connected = await session(aborted);
            lookAhead.notice(job, connected);
            return connected;
          },
          uploads: deps.uploads,
          leaseToken: token,
          onFailedAttempt: (code) => metrics.countFailedAttempt(code),
          logger: jobLogger,
          gate: (message, aborted) => gate.pass(message, aborted),
          prepare: async (message, aborted) => {
            // What can only fail is neither fetched nor decoded first.
            await session(aborted);
            return await prepareMessage(message, record, aborted, { ...deps, stage, lendSlot, logger: jobLogger });
          },
        },
      );
      if (outcome.type === 'released') return 'released';
      if (outcome.type === 'sent') onAck(outcome.acknowledgedAt);
      // A chat may be remembered later; a refusal is settled with the hold that it led to.
      const learnt = gate.learn(job, outcome);
      const settled = settle(job, outcome.type === 'sent' ? outcome : await learnt, {
        messages,
        jobs: kept.jobs,
        lease,
        blobs,
        failedJobs: deps.failedJobs,
        logger: jobLogger,
        countDropped: (reason) => metrics.countDropped(reason),
        count: (result, code, attempts) => metrics.countMessage(result, code, attempts),
        notify: ({ reply_to }, sent) =>
          postMail(redis, keys, reply_to, { type: 'message_settled', message_id, ...sent }),
      });
      await Promise.all([learnt, settled]);
      return outcome.type === 'dropped' ? 'settled' : 'finished';
    } finally {
      turn.end();
      trace.end(outcome);
    }
  };

  return new LazyLane({
    idleMs: LANE_IDLE_MS,
    recheckMs: RECHECK_PAUSE_MS,
    isPaused: () => pauses.isPaused(deviceId),
    onError,
    depth: async () => (await readDepths(redis, keys, [deviceId]))[0] ?? 0,
    announce: async (isOpen) => {
      await (isOpen ? setDraining(redis, [laneOpen], ['1']) : redis.del(laneOpen));
    },
    open: () =>
      new Lane({
        redis,
        keys,
        deviceId,
        leaseToken: token,
        concurrency: laneConcurrency,
        process,
        onProblem: async (messageId, problem, fate) => {
          if (fate === 'ended') return endUnreadable(messageId, problem, { ...deps, lease, logger });
          metrics.countUnreadable('job_kind');
          const found = { message_id: messageId, err: problem.error };
          logger.error(found, 'job left for a worker of a newer version: it is not known here');
        },
        onError,
      }),
  });
}
