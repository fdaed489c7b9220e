import { randomUUID } from 'node:crypto';
import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Account } from '../accounts/account.ts';
import type { Directory } from '../accounts/directory.ts';
import type { Group } from '../accounts/group.ts';
import { LinkedDevice, nowSeconds } from '../accounts/linked-device.ts';

/** Sets a group's timer, as its administrator would, and tells the linked devices of all members. Throws for an unknown
 * group. */
export function changeGroupTimer(directory: Directory, jid: string, seconds: number): void {
  const group = findGroup(directory, jid);
  group.ephemeralSeconds = seconds;
  const setting: BinaryNode =
    seconds > 0 ? { tag: 'ephemeral', attrs: { expiration: String(seconds) } } : { tag: 'not_ephemeral', attrs: {} };
  notify(group, membersOf(directory, group), setting);
}

/** Gives a group these members and tells the linked devices of all who were or are in it. Throws for an unknown group. */
export function changeGroupMembers(directory: Directory, jid: string, numbers: readonly string[]): void {
  const group = findGroup(directory, jid);
  const before = membersOf(directory, group);
  group.members.clear();
  for (const number of numbers) group.members.add(number);
  const after = membersOf(directory, group);
  const audience = [...new Set([...before, ...after])];
  const changes = {
    add: after.filter((account) => !before.includes(account)),
    remove: before.filter((account) => !after.includes(account)),
  };
  for (const [tag, changed] of Object.entries(changes)) {
    const content = changed.map((account) => ({ tag: 'participant', attrs: toNames(group, account) }));
    if (content.length > 0) notify(group, audience, { tag, attrs: {}, content });
  }
}

function notify(group: Group, audience: readonly Account[], change: BinaryNode): void {
  const [author] = audience;
  const notification: BinaryNode = {
    tag: 'notification',
    attrs: {
      from: group.jid,
      type: 'w:gp2',
      id: randomUUID(),
      t: nowSeconds(),
      participant: (group.addressing === 'lid' ? author?.lid : author?.jid) ?? '',
      addressing_mode: group.addressing,
    },
    content: [change],
  };
  for (const { devices } of audience) {
    for (const device of devices.values()) if (device instanceof LinkedDevice) device.deliver(notification);
  }
}

function toNames({ addressing }: Group, { jid, lid }: Account): BinaryNode['attrs'] {
  return addressing === 'lid' ? { jid: lid, phone_number: jid } : { jid, lid };
}

function membersOf(directory: Directory, { members }: Group): Account[] {
  return [...members].flatMap((number) => directory.accountByNumber(number) ?? []);
}

function findGroup(directory: Directory, jid: string): Group {
  const group = directory.groups.get(jid);
  if (!group) throw new Error('there is no such group');
  return group;
}
