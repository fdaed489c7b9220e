import type { BinaryNode } from '@whiskeysockets/baileys';
import { deviceJid } from '../accounts/device.ts';
import { type LinkedDevice, nowSeconds } from '../accounts/linked-device.ts';
import type { FaultBook } from '../faults/fault-book.ts';
import type { Connection } from '../wire/connection.ts';
import type { MessageRelay } from './message-relay.ts';
import type { RelayLog } from './relay-log.ts';

/** One message stanza a linked device sent, and what the server did with it. */
export interface RelayedMessage {
  id: string;
  /** Full JID of the sender. */
  device: string;
  to: string;
  at: number;
  /** `acked`: relayed and acknowledged (maybe later); `unacked`: relayed, its ack dropped; `nacked`: refused by `error`;
   * `lost`: the socket was closed instead. */
  outcome: 'acked' | 'unacked' | 'nacked' | 'lost';
  error?: number;
  /** Stanzas with this id so far, this one included. */
  attempts: number;
}

interface MessageIntakeParts {
  faults: Pick<FaultBook, 'take'>;
  relay: MessageRelay;
  log: RelayLog;
  onRelayed: (message: RelayedMessage) => void;
}

/** Takes message stanzas off the wire: acknowledges or refuses them, and has them relayed. */
export class MessageIntake {
  readonly #parts: MessageIntakeParts;

  constructor(parts: MessageIntakeParts) {
    this.#parts = parts;
  }

  receive(device: LinkedDevice, connection: Connection, stanza: BinaryNode): void {
    const { faults, relay, log, onRelayed } = this.#parts;
    const { id = '', to = '' } = stanza.attrs;
    const jid = deviceJid(device);
    const occasion = { device: jid, messageId: id, to };
    const { attempts } = log.note(device, id);
    const report = (outcome: RelayedMessage['outcome'], error?: number) =>
      onRelayed({ id, device: jid, to, at: Date.now(), outcome, attempts, ...(error === undefined ? {} : { error }) });
    if (faults.take('close_before_ack', occasion)) {
      report('lost');
      connection.terminate();
      return;
    }
    const nack = faults.take('nack', occasion);
    const error = nack ? (nack.error ?? 479) : relay.refusal(device, stanza);
    if (error !== undefined) {
      connection.send(toAck(stanza, error));
      report('nacked', error);
      return;
    }
    const delay = faults.take('delay_ack', occasion);
    const isDropped = faults.take('drop_ack', occasion) !== undefined;
    const ack = toAck(stanza);
    // The server's own hash of the device list; its value means nothing to a client that only compares.
    if (relay.missesDevices(device, stanza)) ack.attrs['phash'] = '2:simulated';
    const acknowledge = () => {
      connection.send(ack);
      if (faults.take('close_after_ack', occasion)) connection.end();
    };
    if (delay && !isDropped) setTimeout(acknowledge, delay.delayMs ?? 1_000).unref();
    else if (!isDropped) acknowledge();
    relay.relay(device, stanza);
    report(isDropped ? 'unacked' : 'acked');
  }
}

function toAck({ attrs }: BinaryNode, error?: number): BinaryNode {
  const ack: BinaryNode['attrs'] = {
    class: 'message',
    id: attrs['id'] ?? '',
    from: attrs['to'] ?? '',
    t: nowSeconds(),
  };
  if (attrs['participant']) ack['participant'] = attrs['participant'];
  if (error !== undefined) ack['error'] = String(error);
  return { tag: 'ack', attrs: ack };
}
