import { type BinaryNode, jidEncode } from '@whiskeysockets/baileys';
import type { Account } from './account.ts';
import type { KeyBundle } from './key-bundle.ts';

/** How a chat names people: by phone number or by LID, the identifier that hides it. */
export type Addressing = 'pn' | 'lid';

/** One device of an account: the phone itself (id 0), another simulated one, or a linked client on the wire. */
export interface Device {
  readonly account: Account;
  /** 0 is the phone. */
  readonly id: number;
  /** Position in the account's signed list of devices; a client ignores a non-zero device without one. */
  readonly keyIndex: number;
  /** Takes a one-time key when there is one; undefined until the device has published its keys. */
  takeBundle(): KeyBundle | undefined;
  /** Accepts a stanza from the server; never throws, and keeps it when the device is away. */
  deliver(stanza: BinaryNode): void;
}

export function deviceJid({ account, id }: Device, addressing: Addressing = 'pn'): string {
  return addressing === 'lid' ? jidEncode(account.lidUser, 'lid', id) : jidEncode(account.number, 's.whatsapp.net', id);
}
