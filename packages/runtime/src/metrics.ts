import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Readiness } from './readiness.ts';

export { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** A registry with the process defaults (CPU, memory, event-loop lag). One per process part, so tests can run several. */
export function createMetricsRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

export interface OperationsServer {
  port: number;
  stop(): Promise<void>;
}

/** Serves `/metrics`, `/healthz` and `/readyz` on a port of their own; port 0 picks a free one. */
export async function startOperationsServer(
  registry: Registry,
  { host, port, ready }: { host: string; port: number; ready: Readiness },
): Promise<OperationsServer> {
  const server = createServer((request, response) => {
    const respond = (status: number, body: string, type = 'application/json') =>
      response.writeHead(status, { 'Content-Type': type }).end(body);
    const answer = async () => {
      if (request.url === '/metrics') return respond(200, await registry.metrics(), registry.contentType);
      if (request.url === '/healthz') return respond(200, '{"code":"SUCCESS","message":"alive"}');
      if (request.url !== '/readyz') return respond(404, '{"code":"NOT_FOUND","message":"Not found"}');
      const problems = await ready();
      const body = { code: problems.length === 0 ? 'SUCCESS' : 'NOT_READY', message: problems.join('; ') || 'ready' };
      return respond(problems.length === 0 ? 200 : 503, JSON.stringify(body));
    };
    answer().catch(() => respond(500, '{"code":"INTERNAL_ERROR","message":"Internal error"}'));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
