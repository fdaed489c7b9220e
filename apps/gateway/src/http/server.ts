import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FailureCode } from '@postern/contract';
import type { Express } from 'express';
import type { ConnectionLimit } from './connection-limit.ts';

export interface HttpServer {
  port: number;
  /** Stops listening, and closes every connection at the latest after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

export interface HttpServerOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  /** Default: none. */
  connections?: Pick<ConnectionLimit, 'watch'>;
  /** How long a client may take for its headers; 15 s unless a test is in a hurry. */
  headersTimeoutMs?: number;
  /** How long a connection may be silent on both sides; 3 min unless a test is in a hurry. */
  silenceMs?: number;
}

/** A slow client may take this long for its headers, and for its whole request. */
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 300_000;
/** Longer than usual proxies keep idle connections, so that they close first. */
const KEEP_ALIVE_MS = 65_000;
/** Longer than the longest answer is waited for. A client that reads and sends nothing for so long is gone. */
const SILENCE_MS = 180_000;
/** How long a client that was refused has to read why, before the connection is destroyed under its hands. */
const LAST_LOOK_MS = 1_000;
/** How often connections are looked at that are too slow with their headers. */
const CHECK_INTERVAL_MS = 5_000;

/** Serves the application. A client that waits for `100 Continue` gets it only when a route wants the body. */
export async function startHttpServer(
  app: Express,
  { host, port, connections, headersTimeoutMs = HEADERS_TIMEOUT_MS, silenceMs = SILENCE_MS }: HttpServerOptions,
): Promise<HttpServer> {
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, headersTimeoutMs),
    // Node would answer that without our envelope; the application looks for the header itself.
    requireHostHeader: false,
  });
  server.timeout = silenceMs;
  connections?.watch(server);
  server.on('request', app);
  server.on('checkContinue', app);
  // Other expectations than that need not be met (RFC 9110, 10.1.1); Node would refuse them without our envelope.
  server.on('checkExpectation', app);
  server.on('connect', (_request, socket) =>
    refuse(socket, '405 Method Not Allowed', 'METHOD_NOT_ALLOWED', 'This is no proxy'),
  );
  server.on('clientError', refuseConnection);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, stop: (graceMs) => stop(server, graceMs) };
}

const MALFORMED = 'The request is not valid HTTP, too slow or its headers too large';

/** What is not HTTP, or too slow, or has too large headers never reaches Express. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = {
    ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
    HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  }[error.code ?? ''];
  refuse(socket, status ?? '400 Bad Request', 'VALIDATION_ERROR', MALFORMED);
}

/** Answers by hand and ends the connection, also when the client keeps its own side open. */
function refuse(socket: Duplex, status: string, code: FailureCode, message: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.on('error', () => socket.destroy());
  const body = JSON.stringify({ code, message });
  const head = [
    `HTTP/1.1 ${status}`,
    `X-Request-Id: ${randomUUID()}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${body.length}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), LAST_LOOK_MS);
  socket.once('close', () => clearTimeout(timer));
}

async function stop(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}
