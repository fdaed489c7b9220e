import type { Logger } from '@postern/runtime';
import { type BinaryNode, getBinaryNodeChild, type proto, toNumber } from '@whiskeysockets/baileys';
import { deviceJid } from '../accounts/device.ts';
import type { Directory } from '../accounts/directory.ts';
import { LinkedDevice, nowSeconds } from '../accounts/linked-device.ts';
import type { FaultBook } from '../faults/fault-book.ts';
import type { PairingDesk } from '../pairing/pairing-desk.ts';
import type { Connection, ConnectionListener } from '../wire/connection.ts';
import type { MessageIntake } from './message-intake.ts';
import type { QueryRouter } from './query-router.ts';
import type { ReceiptRelay } from './receipt-relay.ts';
import { toStreamError } from './stream-error.ts';

export interface SessionsParts {
  directory: Directory;
  desk: PairingDesk;
  faults: Pick<FaultBook, 'take'>;
  queries: QueryRouter;
  messages: MessageIntake;
  receipts: ReceiptRelay;
  onSocket: (event: SocketEvent) => void;
  logger: Logger;
}

/** A linked device's live socket. */
export interface LiveConnection {
  /** Full JID. */
  device: string;
  /** Unix time in milliseconds. */
  connectedAt: number;
}

/**
 * A linked device's socket: `opened` once it has logged in, `closed` once the socket under it is closed for certain, or a
 * `freeze` has struck it. A socket that a newer one has replaced stays open until its own `closed`.
 */
export interface SocketEvent {
  type: 'opened' | 'closed';
  /** Full JID. */
  device: string;
  /** Counted from 1. */
  socket: number;
  /** Unix time in milliseconds. */
  at: number;
}

/** Logs devices in, directs their stanzas to who handles them, and ends their sessions. */
export class Sessions implements ConnectionListener {
  readonly #parts: SessionsParts;
  readonly #devices = new Map<Connection, LinkedDevice>();
  /** Of every connection that logged in and is not closed yet, also of replaced ones. */
  readonly #sockets = new Map<Connection, number>();
  #logins = 0;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  /** Successful logins since the start. */
  get logins(): number {
    return this.#logins;
  }

  live(): LiveConnection[] {
    return [...this.#devices].map(([{ connectedAt }, device]) => ({ device: deviceJid(device), connectedAt }));
  }

  onIntroduced(connection: Connection, payload: proto.ClientPayload, staticKey: Buffer): void {
    const { username, device: id, devicePairingData } = payload;
    if (!username) {
      if (this.#struck(connection, {})) return;
      if (!devicePairingData) return refuse(connection, 400);
      return this.#parts.desk.register(connection, devicePairingData, staticKey);
    }
    const account = this.#parts.directory.accountByNumber(String(toNumber(username)));
    const device = account?.devices.get(id ?? 0);
    if (!(device instanceof LinkedDevice) || !device.noiseKey.equals(staticKey)) return refuse(connection, 401);
    this.#login(connection, device);
  }

  onNode(connection: Connection, node: BinaryNode): void {
    const device = this.#devices.get(connection);
    if (!device) {
      if (node.attrs['xmlns'] === 'w:p')
        connection.send({ tag: 'iq', attrs: { type: 'result', id: node.attrs['id'] ?? '' } });
      else this.#parts.desk.receive(connection, node);
      return;
    }
    const { xmlns, id, to } = node.attrs;
    const named = node.tag === 'iq' ? { xmlns } : { messageId: id };
    if (this.#parts.faults.take('freeze', { device: deviceJid(device), to, ...named })) {
      connection.freeze();
      // Whether its client still holds it can no more be told.
      this.#tellClosed(connection);
      return;
    }
    if (node.tag === 'message') this.#parts.messages.receive(device, connection, node);
    else if (node.tag === 'iq') this.#onQuery(connection, device, node);
    else if (node.tag === 'ack') device.outbox.settle(node);
    else if (node.tag === 'receipt') this.#onReceipt(connection, device, node);
  }

  onClosed(connection: Connection): void {
    this.#parts.desk.forget(connection);
    this.#tellClosed(connection);
    const device = this.#devices.get(connection);
    this.#devices.delete(connection);
    if (device?.connection === connection) device.connection = undefined;
  }

  onBroken(_connection: Connection, error: unknown): void {
    this.#parts.logger.warn({ err: error }, 'connection broken');
  }

  /** Ends a device's session by a stream error, or breaks its socket without one. False when it has none. */
  close(device: LinkedDevice, code?: number): boolean {
    const { connection } = device;
    if (!connection) return false;
    if (code === undefined) connection.terminate();
    else connection.end(toStreamError(code));
    return true;
  }

  /** Removes the device from its account: its session ends by 401, and so does every later login. */
  unlink(device: LinkedDevice): void {
    device.account.devices.delete(device.id);
    this.close(device, 401);
  }

  #login(connection: Connection, device: LinkedDevice): void {
    const jid = deviceJid(device);
    if (this.#struck(connection, { device: jid })) return;
    const previous = device.connection;
    if (previous) {
      this.#devices.delete(previous);
      previous.end(toStreamError(440));
    }
    connection.device = jid;
    device.connection = connection;
    this.#devices.set(connection, device);
    this.#logins += 1;
    this.#sockets.set(connection, this.#logins);
    this.#parts.onSocket({ type: 'opened', device: jid, socket: this.#logins, at: Date.now() });
    connection.send({
      tag: 'success',
      attrs: { t: nowSeconds(), props: '1', lid: deviceJid(device, 'lid'), display_name: device.account.name },
    });
    const routing = { tag: 'routing_info', attrs: {}, content: Buffer.from([8, 2, 8, 5]) };
    connection.send({ tag: 'ib', attrs: {}, content: [{ tag: 'edge_routing', attrs: {}, content: [routing] }] });
    const count = String(device.outbox.size);
    if (count !== '0')
      connection.send({ tag: 'ib', attrs: {}, content: [{ tag: 'offline_preview', attrs: { count } }] });
    for (const stanza of device.outbox.late()) connection.send(stanza);
    connection.send({ tag: 'ib', attrs: {}, content: [{ tag: 'offline', attrs: { count } }] });
  }

  #tellClosed(connection: Connection): void {
    const socket = this.#sockets.get(connection);
    if (socket === undefined) return;
    this.#sockets.delete(connection);
    this.#parts.onSocket({ type: 'closed', device: connection.device ?? '', socket, at: Date.now() });
  }

  #onQuery(connection: Connection, device: LinkedDevice, query: BinaryNode): void {
    const { xmlns, type } = query.attrs;
    if (type !== 'get' && type !== 'set' && xmlns === undefined) return;
    if (this.#struck(connection, { device: deviceJid(device), xmlns })) return;
    if (xmlns === 'md' && getBinaryNodeChild(query, 'remove-companion-device')) {
      if (this.#parts.faults.take('iq_silence', { device: deviceJid(device), xmlns })) return;
      connection.send({ tag: 'iq', attrs: { type: 'result', id: query.attrs['id'] ?? '' } });
      this.unlink(device);
      return;
    }
    const answer = this.#parts.queries.answer(device, query);
    if (answer) connection.send(answer);
  }

  #onReceipt(connection: Connection, device: LinkedDevice, receipt: BinaryNode): void {
    const { id = '', to = '', participant, type } = receipt.attrs;
    const attrs: BinaryNode['attrs'] = { class: 'receipt', id, from: to };
    if (participant) attrs['participant'] = participant;
    if (type) attrs['type'] = type;
    connection.send({ tag: 'ack', attrs });
    if (type !== 'retry') device.outbox.settle(receipt);
    this.#parts.receipts.relay(device, receipt);
  }

  /** Commits a fault of connecting, or of the query named in the occasion; true when the session is over. */
  #struck(connection: Connection, occasion: { device?: string; xmlns?: string | undefined }): boolean {
    const { faults } = this.#parts;
    const error = faults.take('stream_error', occasion);
    if (error) connection.end(toStreamError(error.code ?? 503));
    else if (faults.take('close', occasion)) connection.terminate();
    else return false;
    return true;
  }
}

function refuse(connection: Connection, reason: number): void {
  connection.end({ tag: 'failure', attrs: { reason: String(reason), location: 'sim' } });
}
