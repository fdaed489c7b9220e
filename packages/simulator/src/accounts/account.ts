import { createHash } from 'node:crypto';
import { Curve, type KeyPair } from '@whiskeysockets/baileys';
import type { Device } from './device.ts';

/** A registered phone number with its devices. */
export class Account {
  readonly number: string;
  readonly name: string;
  readonly lidUser: string;
  /** Identity of the phone: signs the account's linked devices. */
  readonly identity: KeyPair = Curve.generateKeyPair();
  readonly devices = new Map<number, Device>();
  /** Numbers it exchanged a message with. */
  readonly contacts = new Set<string>();
  /** Until then (Unix time in milliseconds) it may not write to anyone else. */
  timelockedUntil = 0;
  #lastDeviceId = 0;

  constructor(number: string, name: string) {
    this.number = number;
    this.name = name;
    this.lidUser = toLidUser(number);
  }

  get jid(): string {
    return `${this.number}@s.whatsapp.net`;
  }

  get lid(): string {
    return `${this.lidUser}@lid`;
  }

  /** The next id of a linked device; ids are not used again. */
  nextDeviceId(): number {
    this.#lastDeviceId += 1;
    return this.#lastDeviceId;
  }
}

/** A LID of 15 digits that depends on the number alone, so that it survives a restart. */
function toLidUser(number: string): string {
  const digits = createHash('sha256').update(number).digest().readBigUInt64BE() % 100_000_000_000_000n;
  return `1${digits.toString().padStart(14, '0')}`;
}
