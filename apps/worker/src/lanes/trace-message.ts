import type { SendImageJob } from '@postern/contract';
import { inSpan, type Span, type Tracing } from '@postern/runtime';
import type { SendOutcome } from './send-message.ts';
import type { Stage } from './stages.ts';

/** One message in the trace of the request that it came from, from being taken in hand to being settled. */
export interface MessageTrace {
  traceId: string | undefined;
  /** Each stage is a part of the trace. */
  stage: Stage;
  end(outcome: SendOutcome | undefined): void;
}

export function traceMessage(job: SendImageJob, { tracing, stage }: { tracing: Tracing; stage: Stage }): MessageTrace {
  const { message_id, device_id, request_id, traceparent } = job;
  const ids = { message_id, device_id, request_id };
  const span = tracing.begin('send-image', { kind: 'consumer', traceparent, attributes: ids });
  if (span.traceId === undefined) return { traceId: undefined, stage, end() {} };
  span.begin('queue_wait', {}, job.accepted_at).end();
  return {
    traceId: span.traceId,
    stage: (name, run) => inSpan(span, name, () => stage(name, run)),
    end: (outcome) => end(span, outcome),
  };
}

function end(span: Span, outcome: SendOutcome | undefined): void {
  span.set({
    outcome: outcome?.type,
    attempts: outcome && 'attempts' in outcome ? outcome.attempts : undefined,
    code: outcome?.type === 'failed' ? outcome.failure.code : undefined,
  });
  if (outcome === undefined) span.end('INTERNAL_ERROR');
  else span.end(outcome.type === 'failed' ? outcome.failure.code : undefined);
}
