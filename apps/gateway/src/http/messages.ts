import { Failure, isMessageId, type MessageRecord } from '@postern/contract';
import type { Messages } from '@postern/registry';
import { maySee } from '../auth/authenticator.ts';
import { toMessageView } from '../outcomes/message-view.ts';
import type { Outcomes } from '../outcomes/outcomes.ts';
import type { Exchange, Route } from './exchange.ts';
import { parsePrefer, toPreferenceApplied } from './prefer.ts';
import { succeed } from './respond.ts';

export interface MessagesParts {
  messages: Pick<Messages, 'get'>;
  outcomes: Pick<Outcomes, 'watch'>;
}

/** Only the end of a message is told by mail; other changes are found by looking this often. */
const POLL_MS = 300;

/** `GET /messages/{id}`. */
export function messageRoutes(parts: MessagesParts): Route[] {
  return [
    { method: 'get', path: '/messages/:message_id', access: 'read', handle: (exchange) => handle(exchange, parts) },
  ];
}

async function handle(exchange: Exchange, parts: MessagesParts): Promise<void> {
  const { request, response } = exchange;
  const record = await findMessage(exchange, parts);
  const { waitMs } = parsePrefer(request.get('prefer'));
  const preferenceApplied = waitMs === undefined ? undefined : toPreferenceApplied({ respondAsync: false, waitMs });
  if (preferenceApplied !== undefined) response.set('Preference-Applied', preferenceApplied);
  const newest = waitMs === undefined || waitMs === 0 ? record : await nextChange(exchange, record, waitMs, parts);
  succeed(response, 'Message', toMessageView(newest));
}

async function findMessage(
  { request, principal, facts }: Exchange,
  { messages }: MessagesParts,
): Promise<MessageRecord> {
  const messageId = String(request.params['message_id']);
  const record = isMessageId(messageId) ? await messages.get(messageId) : undefined;
  if (!record || !maySee(principal, record.device_id)) {
    throw new Failure('MESSAGE_NOT_FOUND', 'There is no such message');
  }
  facts.message_id = messageId;
  facts.device_id = record.device_id;
  return record;
}

/** The record after its next change of state or attempts, or as it was when nothing changes in time. */
async function nextChange(
  { signal }: Exchange,
  record: MessageRecord,
  waitMs: number,
  { outcomes }: MessagesParts,
): Promise<MessageRecord> {
  const watch = outcomes.watch(record.device_id, record.message_id);
  try {
    const until = ({ state, attempts }: MessageRecord) => state !== record.state || attempts !== record.attempts;
    return (await watch.changed({ until, timeoutMs: waitMs, pollMs: POLL_MS, signal })) ?? record;
  } finally {
    watch.close();
  }
}
