import { Failure, type MessageRecord, type SendImageJob } from '@postern/contract';
import { ImageProcessDiedError, type PreparedImage } from '@postern/media';
import type { Messages, Quarantine } from '@postern/registry';
import type { Logger } from '@postern/runtime';

export interface PoisonPicturesDependencies {
  quarantine: Quarantine;
  messages: Pick<Messages, 'countLoneStart'>;
  onQuarantined: () => void;
  logger: Logger;
}

/** How often a message may be prepared alone; more often only when the worker died each time with its image process. */
const MAX_LONE_STARTS = 3;

/**
 * Whether an owner of this message died while it was preparing it, or others. The picture may be the cause, and is to be
 * prepared alone. One that was relayed is no cause: its picture was prepared before.
 */
export function isSuspect(record: Pick<MessageRecord, 'state' | 'starts'> | undefined): boolean {
  return record?.state === 'queued' && (record.starts ?? 1) > 1;
}

/**
 * Prepares a picture unless it is in quarantine, and puts it there when it ends the process that prepares it: no worker
 * dies of it twice. Throws IMAGE_PROCESSING_FAILED, with `reason` `quarantined`, `killed_process` or `too_much_memory`.
 */
export async function preparePossiblePoison(
  picture: { job: SendImageJob; sha256: string; suspect: boolean },
  prepare: (alone: boolean) => Promise<PreparedImage>,
  { quarantine, messages, onQuarantined, logger }: PoisonPicturesDependencies,
): Promise<PreparedImage> {
  const { job, sha256, suspect } = picture;
  const { device_id, message_id } = job;
  const putAway = async (err: unknown) => {
    await quarantine.add(sha256);
    onQuarantined();
    logger.error({ sha256, err }, 'picture quarantined');
  };
  // Without Redis a picture is judged by what it does.
  if (await quarantine.has(sha256).catch(() => false)) {
    throw poisoned('quarantined', 'is in quarantine: it ended the process that tried to');
  }
  if (suspect) logger.warn({ sha256 }, 'picture prepared alone: an owner of its message died');
  const loneStarts = suspect ? await messages.countLoneStart(device_id, message_id) : 0;
  if (loneStarts > MAX_LONE_STARTS) {
    const failure = poisoned('killed_process', 'ended each worker that tried to');
    await putAway(failure);
    throw failure;
  }
  try {
    return await prepare(suspect);
  } catch (error) {
    if (error instanceof Failure && error.cause instanceof ImageProcessDiedError) await putAway(error);
    throw error;
  }
}

function poisoned(reason: string, why: string): Failure {
  return new Failure('IMAGE_PROCESSING_FAILED', `The image cannot be decoded: it ${why}`, { details: { reason } });
}
