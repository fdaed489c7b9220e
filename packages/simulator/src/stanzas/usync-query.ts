import {
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  getBinaryNodeChildString,
  isLidUser,
} from '@whiskeysockets/baileys';
import type { Account } from '../accounts/account.ts';
import type { Directory } from '../accounts/directory.ts';
import { nowSeconds } from '../accounts/linked-device.ts';
import { QueryError, type QueryHandler } from './query.ts';

/** `usync`: who of these people is registered, with which devices and which LID. Unregistered ones are left out. */
export function createUsyncHandler(directory: Directory): QueryHandler {
  return (_device, query) => {
    const usync = getBinaryNodeChild(query, 'usync');
    const asked = getBinaryNodeChild(usync, 'query')?.content;
    if (!usync || !Array.isArray(asked)) throw new QueryError(400, 'bad-request');
    const users = getBinaryNodeChildren(getBinaryNodeChild(usync, 'list'), 'user').flatMap((user) => {
      const found = findUser(directory, user);
      if (!found) return [];
      const content = asked.flatMap(({ tag }) => toAnswer(tag, found) ?? []);
      return [{ tag: 'user', attrs: { jid: found.jid }, content }];
    });
    return [
      {
        tag: 'usync',
        attrs: { ...usync.attrs },
        content: [
          { tag: 'result', attrs: {}, content: asked.map(({ tag }) => ({ tag, attrs: {} })) },
          { tag: 'list', attrs: {}, content: users },
        ],
      },
    ];
  };
}

interface FoundUser {
  account: Account;
  /** In the addressing it was asked by. */
  jid: string;
  phone: string | undefined;
}

function findUser(directory: Directory, user: BinaryNode): FoundUser | undefined {
  const { jid } = user.attrs;
  if (jid) {
    const account = directory.account(jid);
    return account && { account, jid: isLidUser(jid) ? account.lid : account.jid, phone: undefined };
  }
  const phone = getBinaryNodeChildString(user, 'contact');
  const account = phone === undefined ? undefined : directory.accountByNumber(phone.replace(/\D/g, ''));
  return account && { account, jid: account.jid, phone };
}

function toAnswer(protocol: string, { account, jid, phone }: FoundUser): BinaryNode | undefined {
  if (protocol === 'contact') {
    return { tag: 'contact', attrs: { type: 'in' }, ...(phone === undefined ? {} : { content: Buffer.from(phone) }) };
  }
  if (protocol === 'lid') return isLidUser(jid) ? undefined : { tag: 'lid', attrs: { val: account.lid } };
  if (protocol === 'disappearing_mode') return { tag: 'disappearing_mode', attrs: { duration: '0', t: '0' } };
  if (protocol !== 'devices') return undefined;
  const devices = [...account.devices.values()].map(({ id, keyIndex }) => ({
    tag: 'device',
    attrs: id === 0 ? { id: '0' } : { id: String(id), 'key-index': String(keyIndex) },
  }));
  return {
    tag: 'devices',
    attrs: {},
    content: [
      { tag: 'device-list', attrs: { hash: '2:simulated' }, content: devices },
      { tag: 'key-index-list', attrs: { ts: nowSeconds() } },
    ],
  };
}
