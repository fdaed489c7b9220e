import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Express } from 'express';

export interface HttpServer {
  port: number;
  /** Stops listening, and closes every connection at the latest after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** A slow client may take this long for its headers, and for its whole request. */
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 300_000;
/** Longer than usual proxies keep idle connections, so that they close first. */
const KEEP_ALIVE_MS = 65_000;

/** Serves the application. A client that waits for `100 Continue` gets it only when a route wants the body. */
export async function startHttpServer(
  app: Express,
  { host, port }: { host: string; port: number },
): Promise<HttpServer> {
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: 5_000,
  });
  server.on('request', app);
  server.on('checkContinue', app);
  server.on('clientError', refuseConnection);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, stop: (graceMs) => stop(server, graceMs) };
}

/** What is not HTTP, or too slow, or has too large headers never reaches Express. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = {
    ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
    HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  }[error.code ?? ''];
  const body =
    '{"code":"VALIDATION_ERROR","message":"The request is not valid HTTP, too slow or its headers too large"}';
  const head = [
    `HTTP/1.1 ${status ?? '400 Bad Request'}`,
    `X-Request-Id: ${randomUUID()}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${body.length}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

async function stop(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}
