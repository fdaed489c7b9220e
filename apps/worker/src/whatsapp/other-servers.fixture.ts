import type { BinaryNode } from '@whiskeysockets/baileys';

/** What is written in a stanza's place. */
export type Rewrite = (node: BinaryNode) => BinaryNode;
type Change = (node: BinaryNode) => BinaryNode | undefined;

/** The stanza with each of its nodes, outermost first, changed; those changed to nothing are left out. */
function changeAll(node: BinaryNode, change: Change): BinaryNode {
  const { content } = node;
  if (!Array.isArray(content)) return node;
  const kept = content.flatMap((child) => change(child) ?? []);
  return { ...node, content: kept.map((child) => changeAll(child, change)) };
}

const within = (change: Change) => (node: BinaryNode) => changeAll(node, change);
const without = (node: BinaryNode, ...names: string[]): BinaryNode => ({
  ...node,
  attrs: Object.fromEntries(Object.entries(node.attrs).filter(([name]) => !names.includes(name))),
});
const having = (node: BinaryNode, attrs: Record<string, string>): BinaryNode => ({
  ...node,
  attrs: { ...node.attrs, ...attrs },
});
const ack = (change: (node: BinaryNode) => BinaryNode) => (node: BinaryNode) =>
  node.tag === 'ack' ? change(node) : node;

/** The number of each phone that has one, by LID; filled by the test. */
export const numberOf = new Map<string, string>();

const HOSTED = { tag: 'device', attrs: { id: '99', 'key-index': '9', is_hosted: 'true' } };

function withHostedDevice(node: BinaryNode): BinaryNode {
  if (node.tag !== 'device-list' || !Array.isArray(node.content)) return node;
  return { ...node, content: [...node.content, HOSTED] };
}

/** What another server may word differently, and stock Baileys takes. */
export const WORDINGS: Readonly<Record<string, Rewrite>> = {
  'tells no LID of ours at the login': (node) => (node.tag === 'success' ? without(node, 'lid') : node),
  'tells nothing of contacts': within((node) => (node.tag === 'contact' ? undefined : node)),
  'acknowledges without saying from whom': ack((node) => without(node, 'from', 't')),
  'acknowledges at no readable time': ack((node) => having(node, { t: 'now' })),
  'acknowledges with more than is known': ack((node) =>
    having(node, { error: '', phash: '2:abcdefgh', refresh_lid: 'true', addressing_mode: 'lid', participant: '1@lid' }),
  ),
  'acknowledges in the name of another address': ack((node) => having(node, { from: '999@lid' })),
  'gives no one-time keys': within((node) =>
    node.tag === 'key' && node.attrs['jid'] === undefined ? undefined : node,
  ),
  'gives media servers without a lifetime or a size': within((node) =>
    node.tag === 'media_conn' || node.tag === 'host'
      ? without(node, 'ttl', 'auth_ttl', 'max_buckets', 'maxContentLengthBytes')
      : node,
  ),
  'gives media servers for no time': within((node) => (node.tag === 'media_conn' ? having(node, { ttl: '0' }) : node)),
  'names a dead media server first': within((node) =>
    node.tag === 'media_conn' && Array.isArray(node.content)
      ? { ...node, content: [{ tag: 'host', attrs: { hostname: '127.0.0.1:1' } }, ...node.content] }
      : node,
  ),
  'describes groups by little': within((node) =>
    node.tag === 'group'
      ? without(node, 'addressing_mode', 'size', 'creator', 'creation', 's_t', 'subject')
      : node.tag === 'participant'
        ? without(node, 'phone_number', 'type')
        : node,
  ),
  'tells no LID at the login, and groups by LIDs alone': (node) =>
    node.tag === 'success'
      ? without(node, 'lid')
      : changeAll(node, (child) => (child.tag === 'participant' ? without(child, 'phone_number') : child)),
  'knows a LID by its number': within((node) => {
    if (node.tag !== 'user' || !node.attrs['jid']?.endsWith('@lid')) return node;
    const number = numberOf.get(node.attrs['jid']);
    if (number === undefined || !Array.isArray(node.content)) return node;
    const lid = { tag: 'lid', attrs: { val: node.attrs['jid'] } };
    return { ...having(node, { jid: number }), content: [...node.content, lid] };
  }),
  'lists a hosted device': within(withHostedDevice),
  'says more before what was asked': (node) =>
    node.tag === 'iq' && node.attrs['type'] === 'result' && Array.isArray(node.content)
      ? { ...node, content: [{ tag: 'meta', attrs: {} }, ...node.content] }
      : node,
  'lists devices without hashes and key lists': within((node) =>
    node.tag === 'key-index-list' ? undefined : node.tag === 'device-list' ? without(node, 'hash') : node,
  ),
};

/** The same of the pairing itself. */
export const PAIRING_WORDINGS: Readonly<Record<string, Rewrite>> = {
  'tells no LID of ours at the pairing': within((node) =>
    node.tag === 'device' && node.attrs['jid'] !== undefined ? without(node, 'lid') : node,
  ),
  'tells no LID of ours at all': (node) =>
    node.tag === 'success'
      ? without(node, 'lid')
      : changeAll(node, (child) =>
          child.tag === 'device' && child.attrs['jid'] !== undefined ? without(child, 'lid') : child,
        ),
};
