import { randomUUID } from 'node:crypto';
import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Directory } from '../accounts/directory.ts';
import { LinkedDevice, nowSeconds } from '../accounts/linked-device.ts';

/** Sets a group's timer, as its administrator would, and tells the linked devices of all members. Throws for an unknown
 * group. */
export function notifyGroupTimer(directory: Directory, jid: string, seconds: number): void {
  const group = directory.groups.get(jid);
  if (!group) throw new Error('there is no such group');
  group.ephemeralSeconds = seconds;
  const accounts = [...group.members].flatMap((number) => directory.accountByNumber(number) ?? []);
  const [author] = accounts;
  const setting: BinaryNode =
    seconds > 0 ? { tag: 'ephemeral', attrs: { expiration: String(seconds) } } : { tag: 'not_ephemeral', attrs: {} };
  const notification: BinaryNode = {
    tag: 'notification',
    attrs: {
      from: jid,
      type: 'w:gp2',
      id: randomUUID(),
      t: nowSeconds(),
      participant: (group.addressing === 'lid' ? author?.lid : author?.jid) ?? '',
      addressing_mode: group.addressing,
    },
    content: [setting],
  };
  for (const { devices } of accounts) {
    for (const device of devices.values()) if (device instanceof LinkedDevice) device.deliver(notification);
  }
}
