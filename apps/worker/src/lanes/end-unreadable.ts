import { Failure } from '@postern/contract';
import type { BlobStore } from '@postern/media';
import type { JobProblem, JobSettler } from '@postern/queue';
import type { Lease, Messages } from '@postern/registry';
import type { Logger } from '@postern/runtime';
import type { WorkerMetrics } from '../metrics.ts';

export interface EndUnreadableDependencies {
  messages: Pick<Messages, 'forgetDeadline'>;
  jobs: Pick<JobSettler, 'discarded'>;
  lease: Pick<Lease, 'deviceId' | 'token'>;
  blobs: Pick<BlobStore, 'delete'>;
  metrics: Pick<WorkerMetrics, 'countMessage' | 'countDropped'>;
  logger: Logger;
}

/** Takes a job that cannot be worked here out of its lane and fails its message; who waits for that reads its record. */
export async function endUnreadable(
  messageId: string,
  problem: JobProblem,
  { messages, jobs, lease, blobs, metrics, logger }: EndUnreadableDependencies,
): Promise<void> {
  const failure = toFailure(problem);
  const { isChanged, isRemoved } = await jobs.discarded(lease, messageId, failure);
  if (!isRemoved) return;
  metrics.countDropped(problem.reason);
  if (isChanged) metrics.countMessage('failed', failure.code, 0);
  logger.error({ message_id: messageId, code: failure.code, err: problem.error }, 'job dropped: it cannot be read');
  await Promise.all([messages.forgetDeadline(lease.deviceId, messageId), blobs.delete(messageId)]);
}

function toFailure({ reason, maybeSent, error }: JobProblem): Failure {
  if (maybeSent) {
    return new Failure('ACK_TIMEOUT', 'Sent, but never acknowledged; what is left of it cannot be read', {
      cause: error,
    });
  }
  // Only a lane whose device is removed does not wait for a newer worker.
  if (reason === 'unknown') return new Failure('DEVICE_DELETED', 'The device was removed', { cause: error });
  return new Failure('INTERNAL_ERROR', 'What was accepted cannot be read any more; it was not sent', { cause: error });
}
