import type { BinaryNode } from '@whiskeysockets/baileys';

/** The last stanza before the server closes a stream. 440 is a conflict (another login replaced it), 401 an unlinked
 * device, 515 a restart after pairing; 503 and others carry their number. */
export function toStreamError(code: number): BinaryNode {
  if (code === 440)
    return { tag: 'stream:error', attrs: {}, content: [{ tag: 'conflict', attrs: { type: 'replaced' } }] };
  if (code !== 401) return { tag: 'stream:error', attrs: { code: String(code) } };
  const content = [{ tag: 'conflict', attrs: { type: 'device_removed' } }];
  return { tag: 'stream:error', attrs: { code: '401' }, content };
}
