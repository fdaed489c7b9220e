import { Failure } from '@postern/contract';
import type { BlobStore } from '@postern/media';
import type { Messages } from '@postern/registry';
import type { GatewayMetrics } from '../metrics.ts';
import { toMessageView } from '../outcomes/message-view.ts';
import type { Outcomes } from '../outcomes/outcomes.ts';
import type { Exchange } from './exchange.ts';
import { findMessage, messageNotFound } from './find-message.ts';
import { succeed } from './respond.ts';

export interface CancelMessageParts {
  messages: Pick<Messages, 'get' | 'markCancelled' | 'forgetDeadline'>;
  /** Takes a waiting job out of its lane. */
  removeJob: (deviceId: string, messageId: string) => Promise<void>;
  blobs: Pick<BlobStore, 'delete'>;
  outcomes: Pick<Outcomes, 'onSettled'>;
  metrics: Pick<GatewayMetrics, 'cancelled'>;
}

/**
 * `DELETE /messages/{id}`: cancels a message that is still queued, and no other, be it cancelled already. The record
 * decides: a job that stays behind is dropped when its turn comes.
 */
export async function cancelMessage(exchange: Exchange, parts: CancelMessageParts): Promise<void> {
  const { messages, metrics, outcomes } = parts;
  const record = await findMessage(exchange, messages);
  const { message_id: messageId, device_id: deviceId } = record;
  const found = await messages.markCancelled(deviceId, messageId);
  if (found === 'missing') throw messageNotFound();
  if (found !== 'changed') {
    throw new Failure('NOT_CANCELLABLE', `Only a queued message can be cancelled; this one is ${found}`, {
      details: { message_id: messageId, state: found },
    });
  }
  metrics.cancelled.inc();
  // Who waits at another gateway looks by itself.
  outcomes.onSettled(messageId);
  await cleanUp(exchange, deviceId, messageId, parts);
  succeed(exchange.response, 'Message cancelled', toMessageView({ ...record, state: 'cancelled' }));
}

/** What fails here is made up for by the worker, the reconciler and the sweeper. */
async function cleanUp(
  { logger }: Exchange,
  deviceId: string,
  messageId: string,
  { messages, removeJob, blobs }: CancelMessageParts,
): Promise<void> {
  try {
    await removeJob(deviceId, messageId);
    await blobs.delete(messageId);
    await messages.forgetDeadline(deviceId, messageId);
  } catch (error) {
    logger.warn({ err: error, message_id: messageId }, 'cancelled message not tidied up');
  }
}
