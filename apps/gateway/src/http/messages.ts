import type { MessageRecord } from '@postern/contract';
import type { Messages } from '@postern/registry';
import { viewMessage } from '../outcomes/message-view.ts';
import type { Outcomes } from '../outcomes/outcomes.ts';
import { type CancelMessageParts, cancelMessage } from './cancel-message.ts';
import type { Exchange, Route } from './exchange.ts';
import { findMessage } from './find-message.ts';
import { type ListMessagesParts, listMessages } from './list-messages.ts';
import { parsePrefer, toPreferenceApplied } from './prefer.ts';
import { succeed } from './respond.ts';
import { type RetryMessageParts, retryMessage } from './retry-message.ts';

export interface MessagesParts extends ListMessagesParts, CancelMessageParts, RetryMessageParts {
  messages: Pick<Messages, 'get' | 'markCancelled' | 'forgetDeadline'>;
  outcomes: Pick<Outcomes, 'watch' | 'onSettled'>;
  failedJobs: ListMessagesParts['failedJobs'] & RetryMessageParts['failedJobs'];
  metrics: CancelMessageParts['metrics'] & RetryMessageParts['metrics'];
  blobs: CancelMessageParts['blobs'] & RetryMessageParts['blobs'];
}

/** Only the end of a message is told by mail; other changes are found by looking this often. */
const POLL_MS = 300;

/** Messages: looked at, listed, cancelled, sent again. */
export function messageRoutes(parts: MessagesParts): Route[] {
  const path = '/messages/:message_id';
  return [
    { method: 'get', path: '/messages', access: 'read', handle: (exchange) => listMessages(exchange, parts) },
    { method: 'get', path, access: ['read', 'send'], handle: (exchange) => showMessage(exchange, parts) },
    { method: 'delete', path, access: 'send', handle: (exchange) => cancelMessage(exchange, parts) },
    { method: 'post', path: `${path}/retry`, access: 'send', handle: (exchange) => retryMessage(exchange, parts) },
  ];
}

async function showMessage(exchange: Exchange, parts: MessagesParts): Promise<void> {
  const { request, response } = exchange;
  const record = await findMessage(exchange, parts.messages);
  const { waitMs } = parsePrefer(request.get('prefer'));
  const preferenceApplied = waitMs === undefined ? undefined : toPreferenceApplied({ respondAsync: false, waitMs });
  if (preferenceApplied !== undefined) response.set('Preference-Applied', preferenceApplied);
  const newest = waitMs === undefined || waitMs === 0 ? record : await nextChange(exchange, record, waitMs, parts);
  succeed(response, 'Message', await viewMessage(newest, parts.failedJobs));
}

/** The record after its next change of state or attempts, or as it was when nothing changes in time. */
async function nextChange(
  { signal }: Exchange,
  record: MessageRecord,
  waitMs: number,
  { outcomes }: Pick<MessagesParts, 'outcomes'>,
): Promise<MessageRecord> {
  const watch = outcomes.watch(record.device_id, record.message_id);
  try {
    const until = ({ state, attempts }: MessageRecord) => state !== record.state || attempts !== record.attempts;
    return (await watch.changed({ until, timeoutMs: waitMs, pollMs: POLL_MS, signal })) ?? record;
  } finally {
    watch.close();
  }
}
