import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Connection } from '../wire/connection.ts';
import type { Account } from './account.ts';
import type { Device } from './device.ts';
import type { KeyBundle, PublicPreKey } from './key-bundle.ts';
import { Outbox } from './outbox.ts';

/** With fewer one-time keys left than this, the server asks the device for more. */
const FEW_PRE_KEYS = 5;

/** What a client proved when it was linked. */
export interface LinkedIdentity {
  id: number;
  keyIndex: number;
  /** Static Noise key: a login with another one is refused. */
  noiseKey: Uint8Array;
  identity: Uint8Array;
  registrationId: number;
  signedPreKey: PublicPreKey & { signature: Uint8Array };
}

/** A client linked to an account: its public keys, what waits for it, and its socket while it has one. */
export class LinkedDevice implements Device {
  readonly account: Account;
  readonly id: number;
  readonly keyIndex: number;
  readonly noiseKey: Buffer;
  readonly identity: Uint8Array;
  readonly registrationId: number;
  signedPreKey: LinkedIdentity['signedPreKey'];
  readonly preKeys = new Map<number, Uint8Array>();
  /** Told to the device in place of a smaller real count, which would make it upload new ones. */
  claimedPreKeys = 0;
  readonly outbox = new Outbox();
  connection: Connection | undefined;

  constructor(account: Account, identity: LinkedIdentity) {
    this.account = account;
    this.id = identity.id;
    this.keyIndex = identity.keyIndex;
    this.noiseKey = Buffer.from(identity.noiseKey);
    this.identity = identity.identity;
    this.registrationId = identity.registrationId;
    this.signedPreKey = identity.signedPreKey;
  }

  takeBundle(): KeyBundle {
    const { registrationId, identity, signedPreKey } = this;
    const [first] = this.preKeys;
    if (first) this.preKeys.delete(first[0]);
    if (this.preKeys.size === FEW_PRE_KEYS - 1 && first) this.#askForPreKeys();
    return { registrationId, identity, signedPreKey, preKey: first && { id: first[0], public: first[1] } };
  }

  deliver(stanza: BinaryNode): void {
    this.outbox.add(stanza);
    this.connection?.send(stanza);
  }

  #askForPreKeys(): void {
    const { connection } = this;
    connection?.send({
      tag: 'notification',
      attrs: { from: 's.whatsapp.net', type: 'encrypt', id: connection.nextId(), t: nowSeconds() },
      content: [{ tag: 'count', attrs: { value: String(this.preKeys.size) } }],
    });
  }
}

/** Unix time in seconds, as stanzas carry it. */
export function nowSeconds(): string {
  return String(Math.floor(Date.now() / 1000));
}
