import { areJidsSameUser, isLidUser, type proto, type WAMessageKey } from '@whiskeysockets/baileys';
import type { StoredContents } from './stored-contents.ts';

/** Baileys' knowledge of which hidden id belongs to which number. */
interface LidMapping {
  getPNForLID(lid: string): Promise<string | null>;
}

/**
 * The content that a retry receipt asks for: only of a message of ours, and only for the chat it was sent to, so that
 * nobody is given what was meant for another by naming its id.
 */
export async function findRetryContent(
  { id, remoteJid }: WAMessageKey,
  contents: StoredContents,
  lids: LidMapping,
): Promise<proto.IMessage | undefined> {
  if (!id || !remoteJid) return undefined;
  const stored = await contents.find(id);
  if (!stored?.fromMe) return undefined;
  return (await isSameChat(remoteJid, stored.chat, lids)) ? stored.content : undefined;
}

async function isSameChat(asked: string, sent: string, lids: LidMapping): Promise<boolean> {
  if (isLidUser(asked) === isLidUser(sent)) return areJidsSameUser(asked, sent);
  const [lid, other] = isLidUser(asked) ? [asked, sent] : [sent, asked];
  const number = await lids.getPNForLID(lid);
  return number !== null && areJidsSameUser(number, other);
}
