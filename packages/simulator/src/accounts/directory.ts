import { jidDecode } from '@whiskeysockets/baileys';
import type { Account } from './account.ts';
import type { Device } from './device.ts';
import type { Group } from './group.ts';

/** Who is registered: accounts by number and by LID, their devices by JID, and groups. */
export class Directory {
  readonly #byNumber = new Map<string, Account>();
  readonly #byLid = new Map<string, Account>();
  readonly groups = new Map<string, Group>();

  add(account: Account): void {
    this.#byNumber.set(account.number, account);
    this.#byLid.set(account.lidUser, account);
  }

  accountByNumber(number: string): Account | undefined {
    return this.#byNumber.get(number);
  }

  /** The account a person's or a device's JID names, in either addressing. */
  account(jid: string | undefined): Account | undefined {
    return this.#find(jid)?.account;
  }

  /** The device a JID names; a JID without a device names the phone, device 0. */
  device(jid: string | undefined): Device | undefined {
    const found = this.#find(jid);
    return found?.account.devices.get(found.deviceId);
  }

  #find(jid: string | undefined): { account: Account; deviceId: number } | undefined {
    const decoded = jidDecode(jid);
    if (!decoded) return undefined;
    const accounts =
      decoded.server === 'lid' ? this.#byLid : decoded.server === 's.whatsapp.net' ? this.#byNumber : undefined;
    const account = accounts?.get(decoded.user);
    return account && { account, deviceId: decoded.device ?? 0 };
  }
}
