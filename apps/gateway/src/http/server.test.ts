import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import express from 'express';
import { type HttpServer, startHttpServer } from './server.ts';

/** More than a connection takes in by itself. */
const LARGE = Buffer.alloc(32 * 1024 * 1024);

let server: HttpServer;
before(async () => {
  const app = express();
  app.get('/large', (_request, response) => void response.end(LARGE));
  server = await startHttpServer(app, { host: '127.0.0.1', port: 0, headersTimeoutMs: 200, silenceMs: 500 });
});
after(() => server.stop(0));

/** The server's side of the next connection, as Node tells of it. */
function nextAccepted(): Promise<Socket> {
  return new Promise((resolve) => {
    const listener = (message: unknown) => {
      unsubscribe('net.server.socket', listener);
      resolve((message as { socket: Socket }).socket);
    };
    subscribe('net.server.socket', listener);
  });
}

/** Sends this, never ends its own side, and answers what came back once the server has let go of the connection. */
async function keepOpen(sent: string, { isReading = true } = {}): Promise<string> {
  const accepted = nextAccepted();
  const client = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  let received = '';
  if (isReading) client.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  client.on('error', () => {}).write(sent);
  try {
    const socket = await accepted;
    if (!socket.destroyed) await once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
    return received;
  } finally {
    client.destroy();
  }
}

test('a connection that was refused is let go of although its client keeps it open', async () => {
  assert.match(await keepOpen('this is not HTTP\r\n\r\n'), /^HTTP\/1.1 400 /);
  assert.match(await keepOpen('CONNECT other:443 HTTP/1.1\r\nHost: other\r\n\r\n'), /^HTTP\/1.1 405 /);
});

test('a connection on which nothing, or half a request, is sent is let go of', async () => {
  assert.match(await keepOpen(''), /^HTTP\/1.1 408 /);
  assert.match(await keepOpen('GET / HTTP/1.1\r\nHost: here\r\n'), /^HTTP\/1.1 408 /);
});

test('a connection whose client does not read its answer is let go of', async () => {
  await keepOpen('GET /large HTTP/1.1\r\nHost: here\r\n\r\n', { isReading: false });
});
