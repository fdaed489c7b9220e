import type { SendImageJob } from '@postern/contract';
import { type JobSettler, toQueuedRecord } from '@postern/queue';
import type { Messages } from '@postern/registry';
import type { Logger } from '@postern/runtime';

export interface KeepRecordDeps {
  messages: Messages;
  jobs: JobSettler;
  /** Told of each record that is written anew. */
  onRebuilt: () => void;
  logger: Logger;
}

/** Writes a message's record anew from its job, after Redis has lost it; one that is there stays. */
export async function rebuildRecord(
  job: SendImageJob,
  { messages, onRebuilt, logger }: Omit<KeepRecordDeps, 'jobs'>,
): Promise<void> {
  await messages.create(toQueuedRecord(job));
  onRebuilt();
  const { message_id, device_id } = job;
  logger.warn({ message_id, device_id }, 'record rebuilt from its job: Redis had lost it');
}

/**
 * The registry and the settler of one message in hand, which do not lose it with its record: whoever finds none has it
 * rebuilt, and goes on. Whether an owner before had sent it is not known then; it is sent again, under its one id.
 */
export function keepRecord(job: SendImageJob, deps: KeepRecordDeps): Pick<KeepRecordDeps, 'messages' | 'jobs'> {
  const { messages, jobs } = deps;
  const { device_id: deviceId, message_id: messageId } = job;
  const rebuild = () => rebuildRecord(job, deps);
  return {
    messages: {
      ...messages,
      async beginAttempt(...attempt) {
        const answer = await messages.beginAttempt(...attempt);
        if (answer !== 'missing') return answer;
        await rebuild();
        return messages.beginAttempt(...attempt);
      },
    },
    jobs: {
      ...jobs,
      async sent(lease, id, sentAt) {
        const settled = await jobs.sent(lease, id, sentAt);
        if (settled.state !== undefined) return settled;
        await rebuild();
        return { ...settled, state: 'sent', isChanged: await messages.markSent(deviceId, messageId, sentAt) };
      },
      async failed(lease, id, failure) {
        const settled = await jobs.failed(lease, id, failure);
        // Without its job it is another owner's, who finds the record missing, too.
        if (settled.state !== undefined || !settled.isRemoved) return settled;
        await rebuild();
        return { ...settled, state: 'failed', isChanged: await messages.markFailed(deviceId, messageId, failure) };
      },
    },
  };
}
