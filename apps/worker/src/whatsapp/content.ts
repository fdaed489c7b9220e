import { jidNormalizedUser, normalizeMessageContent, proto } from '@whiskeysockets/baileys';
import type { OutgoingMessage } from './whatsapp.ts';

/** A message that is quoted: ours or one seen, as it was kept. */
export interface QuotedMessage {
  id: string;
  /** The JID of its chat. */
  chat: string;
  /** Who wrote it. */
  author: string;
  content: proto.IMessage;
}

export interface ContentInput {
  message: OutgoingMessage;
  quoted: QuotedMessage | undefined;
  /** 32 random bytes: the key from which WhatsApp's report and reaction keys are derived. */
  messageSecret: Uint8Array;
}

/**
 * The message as it goes to WhatsApp, around an image that is uploaded. A view-once image is wrapped and carries no
 * thumbnail; everything else of a message (caption, forwarded mark, mentions, timer, quote) travels in the image itself.
 */
export function buildContent({ message, quoted, messageSecret }: ContentInput): proto.IMessage {
  const image = proto.Message.ImageMessage.toObject(proto.Message.ImageMessage.decode(message.image.encoded));
  const contextInfo = buildContextInfo(message, quoted);
  const imageMessage: proto.Message.IImageMessage = {
    ...image,
    ...(message.caption !== '' && { caption: message.caption }),
    ...(message.viewOnce && { viewOnce: true, jpegThumbnail: null }),
    ...(Object.keys(contextInfo).length > 0 && { contextInfo }),
  };
  const content = message.viewOnce ? { viewOnceMessage: { message: { imageMessage } } } : { imageMessage };
  return { ...content, messageContextInfo: { messageSecret } };
}

function buildContextInfo(message: OutgoingMessage, quoted: QuotedMessage | undefined): proto.IContextInfo {
  const contextInfo: proto.IContextInfo = {};
  if (message.forwarded) Object.assign(contextInfo, { isForwarded: true, forwardingScore: 1 });
  if (message.mentions.length > 0)
    contextInfo.mentionedJid = message.mentions.map((number) => `${number}@s.whatsapp.net`);
  if (message.ephemeralSeconds > 0) contextInfo.expiration = message.ephemeralSeconds;
  if (quoted) {
    contextInfo.stanzaId = quoted.id;
    contextInfo.participant = jidNormalizedUser(quoted.author);
    contextInfo.quotedMessage = toQuotable(quoted.content);
    if (quoted.chat !== message.route.jid) contextInfo.remoteJid = quoted.chat;
  }
  return contextInfo;
}

/** The quoted content alone: without its wrapper, its secret, and what it quotes itself. */
function toQuotable(content: proto.IMessage): proto.IMessage {
  const inner = normalizeMessageContent(content) ?? content;
  const { messageContextInfo: _secret, ...bare } = inner;
  return Object.fromEntries(
    Object.entries(bare).map(([type, value]: [string, unknown]) => {
      if (typeof value !== 'object' || value === null) return [type, value];
      const { contextInfo: _context, ...rest } = value as { contextInfo?: unknown };
      return [type, rest];
    }),
  );
}
