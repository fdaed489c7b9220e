import { spawnSync } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createRawServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

interface Credentials {
  key: Buffer;
  cert: Buffer;
}

/** A real HTTP(S) server on loopback for one test; resolves with its origin, e.g. `http://127.0.0.1:40123`. */
export async function serve(t: TestContext, listener: RequestListener, credentials?: Credentials): Promise<string> {
  if (!credentials) return await listen(t, createServer(listener), 'http');
  return await listen(t, createTlsServer(credentials, listener), 'https');
}

/** A key and a certificate signed with it, or undefined without openssl. */
export function selfSigned(): Credentials | undefined {
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', '-', '-out', '-'];
  const made = spawnSync('openssl', [...args, ...subject], { stdio: ['ignore', 'pipe', 'ignore'] });
  return made.status === 0 ? { key: made.stdout, cert: made.stdout } : undefined;
}

/** A server that answers every request with raw text, then does what `then` says to the socket. */
export async function serveRaw(
  t: TestContext,
  answer: string | Buffer,
  then: (socket: Socket) => void,
): Promise<string> {
  const server = createRawServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(answer, () => then(socket)));
  });
  return await listen(t, server, 'http');
}

async function listen(t: TestContext, server: Server, scheme: string): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
