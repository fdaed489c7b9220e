import {
  getContentType,
  isJidGroup,
  isLidUser,
  isPnUser,
  jidNormalizedUser,
  normalizeMessageContent,
  proto,
  type WAMessage,
} from '@whiskeysockets/baileys';
import type { StoredContent } from './stored-contents.ts';

/** A chat's disappearing timer as a message tells it; 0: switched off. */
export interface ChatTimer {
  chats: string[];
  seconds: number;
}

/** What is kept of a message that arrived: its content, to be quoted, and the chat's timer, where it tells one. */
export interface Inbound {
  content: StoredContent | undefined;
  timer: ChatTimer | undefined;
}

/** Reads a message seen by the device: from others, or from the account's other devices (`own`: its JID). */
export function readInbound(message: WAMessage, own: string): Inbound {
  const { id, remoteJid, remoteJidAlt, fromMe, participant } = message.key;
  const inner = normalizeMessageContent(message.message ?? undefined);
  const isChat = isJidGroup(remoteJid ?? '') || isPnUser(remoteJid ?? '') || isLidUser(remoteJid ?? '');
  if (!id || !remoteJid || !inner || !isChat) return { content: undefined, timer: undefined };
  const chats = [remoteJid, remoteJidAlt].filter((jid) => typeof jid === 'string' && jid !== '').map(String);
  const seconds = timerSeconds(inner);
  const timer = seconds === undefined ? undefined : { chats: chats.map((jid) => jidNormalizedUser(jid)), seconds };
  const type = getContentType(inner);
  if (type === undefined || type === 'protocolMessage' || type === 'reactionMessage')
    return { content: undefined, timer };
  // Baileys names the participant of a chat with one person by an empty text.
  const author = fromMe ? own : participant || remoteJid;
  const timestamp = Number(message.messageTimestamp ?? 0);
  return { content: { id, chat: remoteJid, author, fromMe: fromMe === true, timestamp, content: inner }, timer };
}

/** The chat with a person who wrote to this account, under all its JIDs; none for groups and for what is our own. */
export function readPersonalChats({ key }: WAMessage): string[] {
  if (key.fromMe === true) return [];
  const chats = [key.remoteJid, key.remoteJidAlt].filter((jid) => typeof jid === 'string');
  return chats.filter((jid) => isPnUser(jid) || isLidUser(jid)).map((jid) => jidNormalizedUser(jid));
}

/** A change of the setting, or the timer that a disappearing message carries. */
function timerSeconds(inner: proto.IMessage): number | undefined {
  const setting = inner.protocolMessage;
  if (setting?.type === proto.Message.ProtocolMessage.Type.EPHEMERAL_SETTING) return setting.ephemeralExpiration ?? 0;
  const type = getContentType(inner);
  const value: unknown = type === undefined ? undefined : inner[type];
  if (typeof value !== 'object' || value === null) return undefined;
  const { contextInfo } = value as { contextInfo?: proto.IContextInfo | null };
  return contextInfo?.expiration ? contextInfo.expiration : undefined;
}
