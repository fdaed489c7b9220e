import { type BinaryNode, isLidUser } from '@whiskeysockets/baileys';
import { type Addressing, type Device, deviceJid } from '../accounts/device.ts';
import type { Directory } from '../accounts/directory.ts';
import { nowSeconds } from '../accounts/linked-device.ts';
import type { RelayLog } from './relay-log.ts';

/** Receipts that travel on to the author; `inactive` reaches it as a plain delivery, the others stay here. */
const FORWARDED = new Set<string | undefined>([undefined, 'inactive', 'read', 'played', 'retry', 'server-error']);

/** Carries receipts (delivered, read, retry) from the device that got a message to the one that sent it. */
export class ReceiptRelay {
  readonly #directory: Directory;
  readonly #log: RelayLog;

  constructor(directory: Directory, log: RelayLog) {
    this.#directory = directory;
    this.#log = log;
  }

  relay(from: Device, receipt: BinaryNode): void {
    const { id = '', to = '', participant, type } = receipt.attrs;
    if (!FORWARDED.has(type)) return;
    const group = this.#directory.groups.get(to);
    const named = this.#directory.device(group ? participant : to);
    const author = type === 'retry' ? named : (this.#log.senderOf(id) ?? named);
    if (!author || author === from) return;
    if (author.account === from.account && type !== 'retry') return;
    const addressing: Addressing = group ? group.addressing : isLidUser(to) ? 'lid' : 'pn';
    const own = deviceJid(from, addressing);
    const attrs: BinaryNode['attrs'] = { id, t: receipt.attrs['t'] ?? nowSeconds(), from: group ? to : own };
    if (group) attrs['participant'] = own;
    if (type !== undefined && type !== 'inactive') attrs['type'] = type;
    if (type === 'retry' && receipt.attrs['recipient']) attrs['recipient'] = receipt.attrs['recipient'];
    author.deliver({ tag: 'receipt', attrs, ...(receipt.content === undefined ? {} : { content: receipt.content }) });
  }
}
