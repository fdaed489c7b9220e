import {
  areJidsSameUser,
  type BinaryNode,
  getBinaryNodeChildren,
  isJidGroup,
  jidNormalizedUser,
} from '@whiskeysockets/baileys';
import { stanzaTimeMs } from './stanza-time.ts';

export interface Receipt {
  messageId: string;
  status: 'delivered' | 'read';
  /** Set in groups. */
  participant: string | undefined;
  /** Unix milliseconds. */
  at: number;
}

/** `type` of a receipt stanza; none means delivered. `played` is how a view-once image is read. */
const STATUSES: Readonly<Record<string, Receipt['status']>> = { '': 'delivered', read: 'read', played: 'read' };

/**
 * The receipts in one `receipt` stanza for messages of ours; none for what our own devices report. The raw stanza is
 * read because Baileys merges a delivery and a read that come close together into one event.
 */
export function toReceipts(node: BinaryNode, own: readonly (string | undefined)[], now = Date.now()): Receipt[] {
  const { id, from, participant, type = '', t } = node.attrs;
  const status = STATUSES[type];
  const author = participant ?? from;
  if (id === undefined || from === undefined || author === undefined || status === undefined) return [];
  if (own.some((jid) => jid !== undefined && areJidsSameUser(jid, author))) return [];
  const list = Array.isArray(node.content) ? node.content[0] : undefined;
  const more = getBinaryNodeChildren(list, 'item').map((item) => item.attrs['id']);
  const inGroup = isJidGroup(from) === true && participant !== undefined;
  const at = stanzaTimeMs(t, now);
  return [id, ...more].flatMap((messageId) =>
    messageId === undefined
      ? []
      : [{ messageId, status, participant: inGroup ? jidNormalizedUser(participant) : undefined, at }],
  );
}
