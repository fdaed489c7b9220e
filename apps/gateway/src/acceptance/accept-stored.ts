import { Failure, type SendImageJob } from '@postern/contract';
import type { BlobStore } from '@postern/media';
import type { Logger } from '@postern/runtime';
import type { Acceptance } from './acceptance.ts';
import type { Accepted, KeyedAcceptance, KeyUse } from './keyed-acceptance.ts';

export interface AcceptStoredParts {
  acceptance: Acceptance;
  keyed: KeyedAcceptance;
  blobs: Pick<BlobStore, 'delete'>;
}

/** A job, and the idempotency key it came with. */
export interface Acceptable {
  job: SendImageJob;
  use: KeyUse | undefined;
}

/**
 * Stores an image under a new message's id and accepts the job that `prepare` makes of it. The blob stays only when the
 * message is accepted under this very id, or may be: what is refused, aborted or repeated leaves nothing behind.
 */
export async function acceptStored(
  messageId: string,
  prepare: () => Promise<Acceptable>,
  listen: (messageId: string) => void,
  { parts, logger }: { parts: AcceptStoredParts; logger: Logger },
): Promise<Accepted> {
  let keptFor: string | undefined;
  try {
    const { job, use } = await prepare();
    const accepted = use ? await parts.keyed.accept(job, use, listen) : await acceptUnkeyed(job, parts, listen);
    keptFor = accepted.messageId;
    return accepted;
  } catch (error) {
    keptFor = error instanceof Failure ? messageIdOf(error) : undefined;
    throw error;
  } finally {
    if (keptFor !== messageId) {
      // One that cannot be deleted now is swept later.
      await parts.blobs
        .delete(messageId)
        .catch((error: unknown) => logger.warn({ err: error, message_id: messageId }, 'blob not deleted'));
    }
  }
}

async function acceptUnkeyed(
  job: SendImageJob,
  { acceptance }: AcceptStoredParts,
  listen: (messageId: string) => void,
): Promise<Accepted> {
  listen(job.message_id);
  await acceptance.accept(job);
  return { messageId: job.message_id, isReplay: false };
}

/** The message that a failure names; undefined: nothing was accepted. */
export function messageIdOf({ details }: Failure): string | undefined {
  const messageId = details['message_id'];
  return typeof messageId === 'string' ? messageId : undefined;
}
