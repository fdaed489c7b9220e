import { type BinaryNode, normalizeMessageContent } from '@whiskeysockets/baileys';
import type { StoredContents } from './stored-contents.ts';

/**
 * The upload that a `server-error` receipt complains about: its reader was refused by the media servers (404 or 410) and
 * asks that the sender uploads again. Hex SHA-256 of the encrypted file; undefined for every other receipt, for messages
 * that are not ours or not kept any more, and when they cannot be read.
 */
export async function findGoneMedia(
  { attrs: { id, type } }: BinaryNode,
  contents: Pick<StoredContents, 'find'>,
): Promise<string | undefined> {
  if (type !== 'server-error' || id === undefined) return undefined;
  const stored = await contents.find(id).catch(() => undefined);
  const image = stored?.fromMe ? normalizeMessageContent(stored.content)?.imageMessage : undefined;
  return image?.fileEncSha256 ? Buffer.from(image.fileEncSha256).toString('hex') : undefined;
}
