import { monotonicMs } from '@postern/runtime';
import type { GatewayMetrics } from '../metrics.ts';
import type { Exchange } from './exchange.ts';

/** Asked every few seconds by machines. */
const QUIET_ROUTES = new Set(['/healthz', '/readyz']);
/** What is logged for a client that went away before its answer, as nginx has it. */
const CLIENT_GONE = 499;

/** Writes the one log line of a request's outcome, and counts it. */
export function observeOutcome(exchange: Exchange, metrics: GatewayMetrics): void {
  const { request, response, facts } = exchange;
  const startedMs = monotonicMs();
  response.once('close', () => {
    const { logger } = exchange;
    const { route = 'unmatched', ...subject } = facts;
    const status = response.writableFinished ? response.statusCode : CLIENT_GONE;
    const elapsedMs = monotonicMs() - startedMs;
    metrics.requests.inc({ method: request.method, route, status: String(status) });
    metrics.requestSeconds.observe({ route }, elapsedMs / 1000);
    const line = {
      ...subject,
      ...(exchange.principal.name === '' ? {} : { principal: exchange.principal.name }),
      method: request.method,
      route,
      status,
      elapsed_ms: Math.round(elapsedMs),
    };
    // Pages and clients ask again and again.
    const isPoll = request.method === 'GET' && status < 400;
    if (isPoll || QUIET_ROUTES.has(route)) logger.debug(line, 'answered');
    else logger.info(line, status === CLIENT_GONE ? 'client went away' : 'answered');
  });
}
