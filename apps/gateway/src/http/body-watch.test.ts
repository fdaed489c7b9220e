import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { Failure } from '@postern/contract';
import express, { type Request } from 'express';
import { watchBody } from './body-watch.ts';
import { startHttpServer } from './server.ts';

let verdict: (failed: Promise<never>) => void = () => {};
let server: Awaited<ReturnType<typeof startHttpServer>>;
const ending = new AbortController();
const limits = {
  maxBytes: 100,
  tooLarge: () => new Failure('VALIDATION_ERROR', 'too large'),
  signal: ending.signal,
  idleMs: 100,
};

before(async () => {
  const app = express().use((request: Request) => {
    const watch = watchBody(request, limits);
    verdict(watch.failed.finally(() => watch.stop()));
  });
  server = await startHttpServer(app, { host: '127.0.0.1', port: 0 });
});
after(() => server.stop(0));

/** Sends the beginning of a body, and answers what the watch says of it. */
async function watched(beginning: string, then: (socket: Socket) => void = () => {}): Promise<string> {
  const failed = new Promise<never>((_, reject) => {
    verdict = (given) => {
      given.catch(reject);
    };
  });
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n${beginning}`);
  then(socket);
  const message = await failed.catch((reason: Error) => reason.message);
  socket.destroy();
  return message;
}

test('a body that stands still is given up', async () => {
  assert.match(await watched('some of it'), /less than 1 KB\/s for 0.1 s/);
});

test('a body that trickles is given up although it never stands still', async () => {
  const trickle = (socket: Socket) => {
    const timer = setInterval(() => socket.write('x'), 20);
    socket.once('close', () => clearInterval(timer));
  };
  assert.match(await watched('', trickle), /less than 1 KB\/s for 0.1 s/);
});

test('a body that is larger than allowed is given up at once', async () => {
  assert.match(await watched('x'.repeat(101)), /too large/);
});

test('a body whose sender goes away is given up', async () => {
  assert.match(await watched('some', (socket) => setTimeout(() => socket.destroy(), 20)), /cut off/);
});

test('a body is given up when the gateway has no more time for it', async () => {
  const reason = new Failure('SHUTTING_DOWN', 'no more time');
  assert.equal(await watched('some', () => ending.abort(reason)), 'no more time');
});
