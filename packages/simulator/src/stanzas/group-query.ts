import { type BinaryNode, getBinaryNodeChild } from '@whiskeysockets/baileys';
import type { Directory } from '../accounts/directory.ts';
import type { Group } from '../accounts/group.ts';
import { QueryError, type QueryHandler } from './query.ts';

/** `w:g2`: a group's metadata, for its members only, and the groups one is in. */
export function createGroupHandler(directory: Directory): QueryHandler {
  return ({ account }, query) => {
    const { to = '' } = query.attrs;
    if (getBinaryNodeChild(query, 'participating')) {
      const mine = [...directory.groups.values()].filter(({ members }) => members.has(account.number));
      return [{ tag: 'groups', attrs: {}, content: mine.map((group) => toGroupNode(directory, group)) }];
    }
    if (query.attrs['type'] !== 'get') throw new QueryError(501, 'feature-not-implemented');
    const group = directory.groups.get(to);
    if (!group) throw new QueryError(404, 'item-not-found');
    if (!group.members.has(account.number)) throw new QueryError(403, 'forbidden');
    return [toGroupNode(directory, group)];
  };
}

function toGroupNode(directory: Directory, group: Group): BinaryNode {
  const { addressing, createdAt, ephemeralSeconds, jid, members, subject } = group;
  const seconds = String(Math.floor(createdAt / 1000));
  const participants = [...members].flatMap((number, index) => {
    const account = directory.accountByNumber(number);
    if (!account) return [];
    const names =
      addressing === 'lid' ? { jid: account.lid, phone_number: account.jid } : { jid: account.jid, lid: account.lid };
    return [{ tag: 'participant', attrs: { ...names, ...(index === 0 ? { type: 'superadmin' } : {}) } }];
  });
  const [owner] = participants;
  const ephemeral = { tag: 'ephemeral', attrs: { expiration: String(ephemeralSeconds) } };
  return {
    tag: 'group',
    attrs: {
      id: jid.split('@')[0] ?? '',
      subject,
      s_t: seconds,
      creation: seconds,
      creator: owner?.attrs.jid ?? '',
      addressing_mode: addressing,
      size: String(participants.length),
    },
    content: [...participants, ...(ephemeralSeconds > 0 ? [ephemeral] : [])],
  };
}
