import type { Clock, Logger } from '@postern/runtime';
import { createBaileysLogger } from './baileys-logger.ts';
import type { Authentication } from './credentials/authentication.ts';
import { Delivery } from './delivery.ts';
import type { DeviceLists } from './device-lists.ts';
import type { Groups } from './groups.ts';
import { MediaConnection } from './media-connection.ts';
import type { Own } from './own.ts';
import { Recipients } from './recipients.ts';
import { findRetryContent } from './retry-content.ts';
import type { SessionStore } from './session-store.ts';
import { type OpenSocket, openSocket } from './socket.ts';

/** A socket and everything that works over it. */
export interface Connection {
  socket: OpenSocket;
  authentication: Authentication;
  own: () => Own;
  recipients: Recipients;
  media: MediaConnection;
  delivery: Delivery;
}

export interface ConnectionOptions {
  authentication: Authentication;
  store: SessionStore;
  devices: DeviceLists;
  groups: Groups;
  /** The session's. */
  signal: AbortSignal;
  logger: Logger;
  webSocketUrl: string | undefined;
  clock: Clock;
  queryTimeoutMs: number;
  ackTimeoutMs: number;
  keepAliveIntervalMs: number;
  onLateAck: (messageId: string, at: number) => void;
  onStuck: (detail: string) => void;
}

/** Opens a socket with these credentials and builds what sends over it. */
export function openConnection(options: ConnectionOptions): Connection {
  const { authentication, store, groups, devices, logger } = options;
  const { creds } = authentication.state;
  const socket: OpenSocket = openSocket({
    ...options,
    auth: authentication.state,
    logger: createBaileysLogger(logger),
    devicesCache: devices.cache,
    getMessage: (key) => findRetryContent(key, store.contents, socket.sock.signalRepository.lidMapping),
    cachedGroupMetadata: async (jid) => groups.find(jid),
  });
  const { sock } = socket;
  // `sock.user` is what was known when the socket was made; the credentials are kept up to date.
  const own = () => ({ jid: creds.me?.id ?? '', lid: creds.me?.lid });
  const recipients = new Recipients({ ...options, sock, own });
  const delivery = new Delivery({ ...options, sock, own, recipients });
  const media = new MediaConnection((node) => sock.query(node));
  return { socket, authentication, own, recipients, media, delivery };
}
