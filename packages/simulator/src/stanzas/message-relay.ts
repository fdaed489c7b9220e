import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren, isLidUser } from '@whiskeysockets/baileys';
import { type Addressing, type Device, deviceJid } from '../accounts/device.ts';
import type { Directory } from '../accounts/directory.ts';
import type { Group } from '../accounts/group.ts';
import { nowSeconds } from '../accounts/linked-device.ts';
import { isTimelocked, REACHOUT_TIMELOCKED } from './reachout-timelock.ts';

/** Why the server refuses a message: the number in its ack's `error`. */
const NOT_A_MEMBER = 403;
const NO_SUCH_GROUP = 404;

const CARRIED = ['category', 'edit', 'expiration', 'type'] as const;

/** Carries messages from a device to the devices they are encrypted for. Encryption is the devices' business. */
export class MessageRelay {
  readonly #directory: Directory;

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  /** The error number by which this message is refused, or undefined when it can be relayed. */
  refusal(sender: Device, { attrs: { to = '' } }: BinaryNode): number | undefined {
    if (!to.endsWith('@g.us'))
      return this.#isNewChat(sender, to) && isTimelocked(sender.account) ? REACHOUT_TIMELOCKED : undefined;
    const group = this.#directory.groups.get(to);
    if (!group) return NO_SUCH_GROUP;
    return group.members.has(sender.account.number) ? undefined : NOT_A_MEMBER;
  }

  /** Delivers to every device the stanza holds a ciphertext for; devices that do not exist are skipped. */
  relay(sender: Device, stanza: BinaryNode): void {
    const { to = '', participant } = stanza.attrs;
    const group = this.#directory.groups.get(to);
    const direct = getBinaryNodeChildren(stanza, 'enc');
    const addressed = getBinaryNodeChildren(getBinaryNodeChild(stanza, 'participants'), 'to');
    if (group) {
      if (participant) return this.#deliverToMember(sender, stanza, group, this.#directory.device(participant), direct);
      const keys = new Map(addressed.map((node) => [this.#directory.device(node.attrs['jid']), node]));
      for (const number of group.members) {
        for (const device of this.#directory.accountByNumber(number)?.devices.values() ?? []) {
          const ciphertexts = [...getBinaryNodeChildren(keys.get(device), 'enc'), ...direct];
          this.#deliverToMember(sender, stanza, group, device, ciphertexts);
        }
      }
      return;
    }
    if (direct.length > 0) return this.#deliverToPerson(sender, stanza, to, direct);
    for (const node of addressed) {
      this.#deliverToPerson(sender, stanza, node.attrs['jid'] ?? '', getBinaryNodeChildren(node, 'enc'));
    }
  }

  /** Whether a message to a person holds no ciphertext for some device that it should reach: the sender's list is old. */
  missesDevices(sender: Device, stanza: BinaryNode): boolean {
    const { to = '' } = stanza.attrs;
    const recipient = this.#directory.account(to);
    const addressed = getBinaryNodeChildren(getBinaryNodeChild(stanza, 'participants'), 'to');
    if (!recipient || addressed.length === 0) return false;
    const reached = new Set(addressed.map(({ attrs }) => this.#directory.device(attrs['jid'])));
    const wanted = [...recipient.devices.values(), ...sender.account.devices.values()];
    return wanted.some((device) => device !== sender && !reached.has(device));
  }

  #isNewChat({ account }: Device, to: string): boolean {
    const recipient = this.#directory.account(to);
    return recipient !== undefined && recipient !== account && !account.contacts.has(recipient.number);
  }

  #deliverToPerson(sender: Device, stanza: BinaryNode, jid: string, ciphertexts: BinaryNode[]): void {
    const device = this.#directory.device(jid);
    if (!device || device === sender) return;
    sender.account.contacts.add(device.account.number);
    device.account.contacts.add(sender.account.number);
    const addressing: Addressing = isLidUser(jid) ? 'lid' : 'pn';
    const { recipient, to = '' } = stanza.attrs;
    const attrs: BinaryNode['attrs'] = { from: deviceJid(sender, addressing) };
    if (addressing === 'lid') attrs['sender_pn'] = sender.account.jid;
    else attrs['sender_lid'] = sender.account.lid;
    if (device.account === sender.account && stanza.attrs['category'] !== 'peer') attrs['recipient'] = recipient ?? to;
    device.deliver(toDelivery(sender, stanza, attrs, ciphertexts));
  }

  #deliverToMember(
    sender: Device,
    stanza: BinaryNode,
    group: Group,
    device: Device | undefined,
    ciphertexts: BinaryNode[],
  ): void {
    if (!device || device === sender || ciphertexts.length === 0) return;
    const { addressing } = group;
    const attrs: BinaryNode['attrs'] = {
      from: group.jid,
      participant: deviceJid(sender, addressing),
      addressing_mode: addressing,
    };
    if (addressing === 'lid') attrs['participant_pn'] = sender.account.jid;
    else attrs['participant_lid'] = sender.account.lid;
    device.deliver(toDelivery(sender, stanza, attrs, ciphertexts));
  }
}

function toDelivery(
  sender: Device,
  stanza: BinaryNode,
  names: BinaryNode['attrs'],
  ciphertexts: BinaryNode[],
): BinaryNode {
  const attrs: BinaryNode['attrs'] = {
    ...names,
    id: stanza.attrs['id'] ?? '',
    t: nowSeconds(),
    notify: sender.account.name,
  };
  for (const name of CARRIED) {
    const value = stanza.attrs[name];
    if (value !== undefined) attrs[name] = value;
  }
  const identity = getBinaryNodeChild(stanza, 'device-identity');
  return { tag: 'message', attrs, content: identity ? [...ciphertexts, identity] : ciphertexts };
}
