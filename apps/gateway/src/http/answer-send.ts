import { Failure } from '@postern/contract';
import { inSpan } from '@postern/runtime';
import { messageIdOf } from '../acceptance/accept-stored.ts';
import { toStatusUrl } from '../acceptance/acceptance.ts';
import type { Accepted } from '../acceptance/keyed-acceptance.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { assertSent } from '../outcomes/outcome.ts';
import type { Outcomes, Watch } from '../outcomes/outcomes.ts';
import type { Exchange } from './exchange.ts';
import { parsePrefer, toPreferenceApplied } from './prefer.ts';
import { respond, succeed } from './respond.ts';

export interface AnswerSendParts {
  outcomes: Pick<Outcomes, 'watch'>;
  metrics: Pick<GatewayMetrics, 'accepted' | 'replayed' | 'stillQueued'>;
  syncWaitMs: number;
}

/** Makes a message durable and answers what it led to; tells `listen` the message's id before it can settle. */
export type Accept = (listen: (messageId: string) => void) => Promise<Accepted>;

/** Accepts a message and answers with its outcome, or 202 when it has none within the wait that the client prefers. */
export async function answerSend(
  exchange: Exchange,
  deviceId: string,
  accept: Accept,
  { outcomes, metrics, syncWaitMs }: AnswerSendParts,
): Promise<void> {
  const { request, response, facts } = exchange;
  const preferences = parsePrefer(request.get('prefer'));
  let watch: Watch | undefined;
  try {
    const accepted = await accept((messageId) => {
      watch?.close();
      watch = outcomes.watch(deviceId, messageId);
    }).catch((error: unknown) => {
      if (error instanceof Failure) facts.message_id = messageIdOf(error);
      throw error;
    });
    const { messageId, isReplay, settled } = accepted;
    facts.message_id = messageId;
    if (isReplay) response.set('Idempotency-Replayed', 'true');
    metrics[isReplay ? 'replayed' : 'accepted'].inc();
    const waitMs = preferences.waitMs ?? (preferences.respondAsync ? 0 : syncWaitMs);
    const wait = () => Promise.resolve(watch?.settled(waitMs, exchange.signal)).catch(namingMessage(messageId));
    const record = settled ?? (waitMs === 0 ? undefined : await inSpan(exchange.span, 'wait', wait));
    const applied = toPreferenceApplied({ ...preferences, respondAsync: preferences.respondAsync && !record });
    if (applied !== undefined) response.set('Preference-Applied', applied);
    if (!record) {
      if (!preferences.respondAsync) metrics.stillQueued.inc();
      return respondQueued(exchange, messageId);
    }
    assertSent(record);
    const { notes } = record;
    succeed(response, 'Success', { message_id: messageId, status: 'Image sent successfully', ...(notes && { notes }) });
  } finally {
    watch?.close();
  }
}

function respondQueued({ response, facts }: Exchange, messageId: string): void {
  facts.code = 'ACCEPTED';
  const statusUrl = toStatusUrl(messageId);
  response.set('Location', statusUrl);
  const results = { message_id: messageId, status: 'queued', status_url: statusUrl };
  respond(response, 202, { code: 'ACCEPTED', message: 'Queued', results });
}

/** A gateway that shuts down tells whoever waits which message goes on without it. */
function namingMessage(messageId: string) {
  return (reason: unknown): never => {
    if (!(reason instanceof Failure)) throw reason;
    throw new Failure(reason.code, 'This gateway is shutting down; the message was accepted and goes on', {
      details: { message_id: messageId, status_url: toStatusUrl(messageId) },
    });
  };
}
