import { Failure, isMessageId, type MessageRecord } from '@postern/contract';
import type { Messages } from '@postern/registry';
import { maySee } from '../auth/authenticator.ts';
import type { Exchange } from './exchange.ts';

/**
 * The message in the path. Throws MESSAGE_NOT_FOUND, also for one of a device that the principal may not see, and for one
 * of somebody else when the principal may only send.
 */
export async function findMessage(
  { request, principal, facts }: Exchange,
  messages: Pick<Messages, 'get'>,
): Promise<MessageRecord> {
  const messageId = String(request.params['message_id']);
  const record = isMessageId(messageId) ? await messages.get(messageId) : undefined;
  if (!record || !maySee(principal, record.device_id)) throw messageNotFound();
  if (!principal.actions.has('read') && record.principal !== principal.name) throw messageNotFound();
  facts.message_id = messageId;
  facts.device_id = record.device_id;
  return record;
}

export function messageNotFound(): Failure {
  return new Failure('MESSAGE_NOT_FOUND', 'There is no such message');
}
