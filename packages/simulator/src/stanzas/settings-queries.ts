import { getBinaryNodeChild, getBinaryNodeChildren } from '@whiskeysockets/baileys';
import type { QueryHandler } from './query.ts';

const PRIVACY = ['last', 'online', 'profile', 'status', 'readreceipts', 'groupadd', 'calladd'];

const accepted: QueryHandler = () => [];

/** The namespaces a client asks while it starts up, whose answers are the same for every account. */
export const settingsHandlers: Readonly<Record<string, QueryHandler>> = {
  'w:p': accepted,
  passive: accepted,
  'w:stats': accepted,
  'urn:xmpp:whatsapp:dirty': accepted,
  abt: () => [{ tag: 'props', attrs: { protocol: '1', hash: '1' }, content: [] }],
  blocklist: () => [{ tag: 'list', attrs: {}, content: [] }],
  privacy: (_device, query) => {
    if (!getBinaryNodeChild(query, 'privacy')) return [];
    const content = PRIVACY.map((name) => ({ tag: 'category', attrs: { name, value: 'all' } }));
    return [{ tag: 'privacy', attrs: {}, content }];
  },
  'w:sync:app:state': (_device, query) => {
    const asked = getBinaryNodeChildren(getBinaryNodeChild(query, 'sync'), 'collection');
    const content = asked.map(({ attrs }) => ({
      tag: 'collection',
      attrs: { name: attrs['name'] ?? '', version: attrs['version'] ?? '0', has_more_patches: 'false' },
    }));
    return [{ tag: 'sync', attrs: {}, content }];
  },
};
