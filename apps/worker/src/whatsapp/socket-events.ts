import {
  type BaileysEventMap,
  type BinaryNode,
  getErrorCodeFromStreamError,
  type WAMessage,
  type WASocket,
} from '@whiskeysockets/baileys';
import { type Close, toClose } from './disconnects.ts';
import { describeRefusedUpgrade } from './network-cause.ts';

/** What a session wants to know of its socket. */
export interface SocketListener {
  onFrame(): void;
  onQr(qr: string): void;
  onCredentials(): void;
  /** The phone has signed; the credentials are complete. */
  onPaired(): void;
  onOpen(): void;
  onEnd(close: Close): void;
  onAck(node: BinaryNode): void;
  onReceipt(node: BinaryNode): void;
  onDevices(node: BinaryNode): void;
  onGroupChanged(jid: string): void;
  onMessages(messages: WAMessage[]): void;
  isPairing(): boolean;
}

/**
 * Listens to a socket: by raw nodes where Baileys' events come late, merged or not at all (acks, receipts, the reason of
 * an end, which Baileys tells only after it has waited for the link to close), by its events otherwise.
 */
export function listen(sock: WASocket, listener: SocketListener): void {
  const { ws, ev } = sock;
  const endWith = (code: number) => listener.onEnd(toClose({ output: { statusCode: code } }, listener.isPairing()));
  ws.on('frame', () => listener.onFrame());
  ws.on('CB:ack,class:message', (node: BinaryNode) => listener.onAck(node));
  ws.on('CB:receipt', (node: BinaryNode) => listener.onReceipt(node));
  ws.on('CB:iq,type:result,usync', (node: BinaryNode) => listener.onDevices(node));
  ws.on('CB:stream:error', (node: BinaryNode) => endWith(getErrorCodeFromStreamError(node).statusCode));
  ws.on('CB:failure', (node: BinaryNode) => endWith(Number(node.attrs['reason'] ?? 500)));
  // The server answered the upgrade with a status; Baileys would wait for ever.
  ws.on('unexpected-response', (_request: unknown, response: { statusCode?: number }) => {
    const detail = describeRefusedUpgrade(response.statusCode);
    listener.onEnd({ reason: 'connection_lost', code: response.statusCode, detail });
  });
  ev.on('creds.update', () => listener.onCredentials());
  ev.on('connection.update', (update) => onConnectionUpdate(update, listener));
  ev.on('messages.upsert', ({ messages }) => listener.onMessages(messages));
  ev.on('groups.update', (groups) => {
    for (const { id } of groups) if (id !== undefined) listener.onGroupChanged(id);
  });
  ev.on('group-participants.update', ({ id }) => listener.onGroupChanged(id));
}

function onConnectionUpdate(update: BaileysEventMap['connection.update'], listener: SocketListener): void {
  if (update.qr !== undefined) listener.onQr(update.qr);
  if (update.isNewLogin === true) listener.onPaired();
  if (update.connection === 'open') listener.onOpen();
  if (update.connection === 'close') listener.onEnd(toClose(update.lastDisconnect?.error, listener.isPairing()));
}
