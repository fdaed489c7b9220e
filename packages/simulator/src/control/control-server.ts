import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { withLifetime } from '@postern/runtime';
import { createPageRoutes } from '../page/page-routes.ts';
import { ChangeFeed } from './change-feed.ts';
import { ControlError } from './control-error.ts';
import type { ControlledSimulator } from './controlled-simulator.ts';
import { createDeviceRoutes } from './device-routes.ts';
import { createFaultRoutes } from './fault-routes.ts';
import { createGroupRoutes } from './group-routes.ts';
import { assertLoopback } from './loopback-guard.ts';
import { createMessageRoutes } from './message-routes.ts';
import { createPhoneRoutes } from './phone-routes.ts';
import { readJson } from './read-json.ts';
import { findRoute, type Reply } from './router.ts';

export interface ControlServer {
  /** `http://127.0.0.1:PORT`: the phones' page; the API is below it. */
  url: string;
  stop(): Promise<void>;
}

const SECURITY_HEADERS = {
  'Content-Security-Policy': "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

/** Serves the control API and the phones' page on loopback; port 0 picks a free one. */
export function startControlServer(simulator: ControlledSimulator, port = 0): Promise<ControlServer> {
  return withLifetime(async (lifetime) => {
    const feed = lifetime.use(new ChangeFeed(), (it) => it.stop());
    lifetime.use(
      simulator.onChange(() => feed.changed()),
      (unsubscribe) => unsubscribe(),
    );
    const routes = [
      ...createPageRoutes(),
      ...createPhoneRoutes(simulator),
      ...createMessageRoutes(simulator),
      ...createGroupRoutes(simulator),
      ...createFaultRoutes(simulator.faults),
      ...createDeviceRoutes(simulator),
    ];
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      assertLoopback(request);
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
      if (pathname === '/events' && request.method === 'GET') return feed.add(response);
      const { route, params } = findRoute(routes, request.method ?? 'GET', pathname);
      const body = await readJson(request);
      respond(response, await route.handle({ params, query: searchParams, body }));
    };
    const server = createServer((request, response) => {
      answer(request, response).catch((error: unknown) => respond(response, ...toErrorReply(error)));
    });
    await listen(server, port);
    lifetime.use(server, close);
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      stop: () => lifetime.stop(),
    };
  });
}

function respond(response: ServerResponse, reply: Reply, headers: Record<string, string> = {}): void {
  const [type, body] =
    'bytes' in reply
      ? [reply.contentType, reply.bytes]
      : ['application/json', reply.json && Buffer.from(JSON.stringify(reply.json))];
  if (!body) {
    response.writeHead(reply.status, { ...SECURITY_HEADERS, ...headers }).end();
    return;
  }
  const entity = { 'Content-Type': type, 'Content-Length': body.length };
  response.writeHead(reply.status, { ...SECURITY_HEADERS, ...headers, ...entity }).end(body);
}

function toErrorReply(error: unknown): [Reply, Record<string, string>?] {
  if (error instanceof ControlError) return [{ status: error.status, json: { error: error.message } }, error.headers];
  return [{ status: 500, json: { error: error instanceof Error ? error.message : String(error) } }];
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
