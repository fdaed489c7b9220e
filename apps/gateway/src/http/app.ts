import { Failure } from '@postern/contract';
import { type Logger, NO_TRACING, type Tracing } from '@postern/runtime';
import express, { type Express, type Request, type Response } from 'express';
import type { Principal } from '../auth/credentials.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { observeOutcome } from './access-log.ts';
import { type AuthenticationOptions, authenticate } from './authenticate.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import { allowOrigins } from './cors.ts';
import { assertAccepting, type Drain } from './drain.ts';
import type { Exchange, Route } from './exchange.ts';
import { assertHost } from './host.ts';
import { respondWithProblem } from './problem.ts';
import { toRequestId } from './request-id.ts';
import { traceRequest } from './trace-request.ts';

export interface AppOptions extends AuthenticationOptions {
  routes: readonly Route[];
  /** Files of the pages; asked when no route matches. */
  pages: express.RequestHandler;
  /** Pages of other sites that may use the API with a key. */
  corsOrigins: readonly string[];
  connections: Pick<ConnectionLimit, 'assertWithin'>;
  drain: Drain;
  metrics: GatewayMetrics;
  tracing: Tracing;
  logger: Logger;
}

/** The client closed the connection before its answer. */
class ClientGoneError extends Error {
  override name = 'ClientGoneError';
}

const NOBODY: Principal = { name: '', devices: new Set(), actions: new Set() };
const UNTRACED = NO_TRACING.begin('', { kind: 'server', traceparent: undefined, attributes: {} });
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The Express application, in the order in which a request meets it. */
export function createApp(options: AppOptions): Express {
  const { routes, pages, corsOrigins, connections, drain, metrics, tracing, logger } = options;
  const exchanges = new WeakMap<Request, Exchange>();
  const exchangeOf = (request: Request): Exchange => {
    const exchange = exchanges.get(request);
    if (!exchange) throw new Error('a request without an exchange');
    return exchange;
  };

  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple').set('case sensitive routing', true);
  app.use((request, response, next) => {
    const exchange = beginExchange(request, response, { drain, logger });
    exchanges.set(request, exchange);
    observeOutcome(exchange, metrics);
    connections.assertWithin(request, response);
    assertHost(request);
    if (!SAFE_METHODS.has(request.method)) assertAccepting(drain);
    next();
  });
  app.use(allowOrigins(corsOrigins));
  for (const path of new Set(routes.map((route) => route.path))) {
    const ofPath = routes.filter((route) => route.path === path);
    const resource = app.route(path);
    for (const { method, access, changes, handle } of ofPath) {
      resource[method](async (request) => {
        const exchange = exchangeOf(request);
        exchange.facts.route = path;
        if (access !== 'public') {
          traceRequest(exchange, path, tracing);
          await authenticate(exchange, { access, ...(changes && { changes }) }, options);
        }
        await handle(exchange);
      });
    }
    resource.all((_request, response) => {
      const methods = ofPath.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]));
      response.set('Allow', methods.join(', '));
      throw new Failure('METHOD_NOT_ALLOWED', `Only ${methods.join(', ')} here`);
    });
  }
  app.use(pages);
  app.use(() => {
    throw new Failure('NOT_FOUND', 'There is nothing here');
  });
  // Express tells an error handler by its four parameters.
  app.use((error: unknown, request: Request, _response: Response, _next: express.NextFunction) => {
    const exchange = exchangeOf(request);
    if (!(error instanceof ClientGoneError)) respondWithProblem(exchange, error);
  });
  return app;
}

function beginExchange(
  request: Request,
  response: Response,
  { drain, logger }: Pick<AppOptions, 'drain' | 'logger'>,
): Exchange {
  const requestId = toRequestId(request.get('x-request-id'));
  response.set({ 'X-Request-Id': requestId, 'X-Content-Type-Options': 'nosniff' });
  if (drain.isDraining()) response.set('Connection', 'close');
  const ending = new AbortController();
  const leave = drain.enter(ending);
  response.once('close', () => {
    leave();
    if (!response.writableFinished) ending.abort(new ClientGoneError('the client went away'));
  });
  return {
    request,
    response,
    requestId,
    logger: logger.child({ request_id: requestId }),
    principal: NOBODY,
    signal: ending.signal,
    span: UNTRACED,
    facts: {},
  };
}
