import { createServer, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BinaryNode } from '@whiskeysockets/baileys';
import { WebSocketServer } from 'ws';
import type { FaultBook } from '../faults/fault-book.ts';
import type { NoiseIdentity } from './certificate-authority.ts';
import { Connection, type ConnectionListener } from './connection.ts';

export interface WireServerOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  identity: NoiseIdentity;
  faults: Pick<FaultBook, 'take'>;
  listener: ConnectionListener;
  rttMs: number;
  /** What is written in a stanza's place. */
  rewrite: (node: BinaryNode) => BinaryNode;
}

export interface WireServer {
  url: string;
  stop(): Promise<void>;
}

/** Listens for WebSocket clients on any path and makes each a Connection. A fault may refuse the upgrade. */
export async function startWireServer(options: WireServerOptions): Promise<WireServer> {
  const { host, port, identity, faults, listener, rttMs, rewrite } = options;
  const server = createServer((_request, response) => response.writeHead(426).end());
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, skipUTF8Validation: true });
  server.on('upgrade', (request, socket, head) => {
    const fault = faults.take('upgrade_status');
    if (fault) {
      const status = fault.status ?? 503;
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      void new Connection(client, identity, listener, { rttMs, rewrite });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    url: `ws://${host}:${(server.address() as AddressInfo).port}/ws/chat`,
    stop: () =>
      new Promise((resolve) => {
        for (const client of sockets.clients) client.terminate();
        sockets.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
