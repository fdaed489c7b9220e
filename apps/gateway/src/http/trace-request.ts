import type { Tracing } from '@postern/runtime';
import type { Exchange } from './exchange.ts';

/** Pages that ask every few seconds, and a stream without end. */
const UNTRACED = /^\/(queues|events)\b/;

/** Makes the request a span, of the trace that its caller names in `traceparent` or of a new one, until its answer ends. */
export function traceRequest(exchange: Exchange, route: string, tracing: Tracing): void {
  if (UNTRACED.test(route)) return;
  const { request, response, requestId, facts } = exchange;
  const span = tracing.begin(`${request.method} ${route}`, {
    kind: 'server',
    traceparent: request.get('traceparent'),
    attributes: { 'http.request.method': request.method, 'http.route': route, request_id: requestId },
  });
  if (span.traceId === undefined) return;
  exchange.span = span;
  exchange.logger = exchange.logger.child({ trace_id: span.traceId });
  response.once('close', () => {
    const { device_id, message_id, code } = facts;
    const status = response.writableFinished ? response.statusCode : undefined;
    span.set({ 'http.response.status_code': status, device_id, message_id, code });
    if (status === undefined) span.end('client_gone');
    else span.end(status >= 500 ? (code ?? String(status)) : undefined);
  });
}
