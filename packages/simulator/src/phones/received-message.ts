import { type proto, toNumber } from '@whiskeysockets/baileys';

/** What a phone's screen shows of a message, and how it got there. */
export interface ReceivedMessage {
  id: string;
  /** Sender's number. */
  from: string;
  /** JID of the chat: the other person, or the group. */
  chat: string;
  /** Sent by the phone's own account, from a linked device. */
  fromMe: boolean;
  /** Unix time in milliseconds of the first arrival. */
  at: number;
  /** `unreadable`: it could not be decrypted yet, `error` says why. */
  type: 'image' | 'text' | 'other' | 'unreadable';
  /** Caption of a picture, or the text. */
  caption?: string;
  viewOnce: boolean;
  forwarded: boolean;
  forwardingScore: number;
  ephemeralSeconds?: number;
  mimetype?: string;
  /** Pixels, as the sender states them. */
  width?: number;
  height?: number;
  /** Bytes, as the sender states them. */
  fileLength?: number;
  thumbnail?: Buffer;
  quoted?: { id: string; text?: string; participant?: string };
  /** JIDs. */
  mentions: string[];
  /** The decrypted picture. */
  bytes?: Buffer;
  /** Hex, of the decrypted bytes. */
  sha256?: string;
  /** Hex, of the encrypted upload. */
  sha256Uploaded?: string;
  /** Why it could not be decrypted, downloaded or verified. */
  error?: string;
  /** What this phone has told the sender so far. */
  receipt: 'none' | 'delivered' | 'read';
  /** How often this id arrived at the phone. */
  copies: number;
  /** How many different contents (caption and picture) the copies had. */
  contents: number;
  /** How many of the phone's simulated devices decrypted it. */
  decryptedBy: number;
}

export type MessageContent = Omit<
  ReceivedMessage,
  | 'id'
  | 'from'
  | 'chat'
  | 'fromMe'
  | 'at'
  | 'bytes'
  | 'sha256'
  | 'sha256Uploaded'
  | 'error'
  | 'receipt'
  | 'copies'
  | 'contents'
  | 'decryptedBy'
>;

/** What a decrypted message shows, and its picture's key. Undefined when it has nothing to show (key exchange, protocol). */
export function toContent(
  message: proto.IMessage,
): { content: MessageContent; image?: proto.Message.IImageMessage } | undefined {
  const { inner, viewOnce } = unwrap(message);
  const { imageMessage: image, conversation, extendedTextMessage: text } = inner;
  if (image) {
    return {
      image,
      content: {
        type: 'image',
        ...toImage(image),
        ...toContext(image.contextInfo),
        viewOnce: viewOnce || image.viewOnce === true,
      },
    };
  }
  if (conversation || text) {
    const caption = conversation || (text?.text ?? '');
    return { content: { type: 'text', caption, ...toContext(text?.contextInfo), viewOnce } };
  }
  const isSilent =
    inner.protocolMessage ||
    Object.values(inner).every(
      (part) => !part || part === inner.messageContextInfo || part === inner.senderKeyDistributionMessage,
    );
  return isSilent ? undefined : { content: { type: 'other', ...toContext(undefined), viewOnce } };
}

function unwrap(message: proto.IMessage): { inner: proto.IMessage; viewOnce: boolean } {
  const once = message.viewOnceMessage ?? message.viewOnceMessageV2 ?? message.viewOnceMessageV2Extension;
  const wrapped = (once ?? message.ephemeralMessage ?? message.documentWithCaptionMessage)?.message;
  if (!wrapped) return { inner: message, viewOnce: false };
  const { inner, viewOnce } = unwrap(wrapped);
  return { inner, viewOnce: viewOnce || once !== undefined };
}

function toImage(image: proto.Message.IImageMessage): Partial<MessageContent> {
  return definedOnly({
    caption: image.caption || undefined,
    mimetype: image.mimetype ?? undefined,
    width: image.width ?? undefined,
    height: image.height ?? undefined,
    fileLength: image.fileLength ? toNumber(image.fileLength) : undefined,
    thumbnail: image.jpegThumbnail?.length ? Buffer.from(image.jpegThumbnail) : undefined,
  });
}

function toContext(context: proto.IContextInfo | null | undefined) {
  const { stanzaId, quotedMessage, participant } = context ?? {};
  const text =
    quotedMessage &&
    (quotedMessage.conversation ?? quotedMessage.extendedTextMessage?.text ?? quotedMessage.imageMessage?.caption);
  return definedOnly({
    forwarded: context?.isForwarded === true,
    forwardingScore: context?.forwardingScore ?? 0,
    ephemeralSeconds: context?.expiration || undefined,
    quoted: stanzaId
      ? definedOnly({ id: stanzaId, text: text || undefined, participant: participant ?? undefined })
      : undefined,
    mentions: context?.mentionedJid ?? [],
  });
}

/** The object without its undefined properties. */
function definedOnly<T extends object>(
  object: T,
): { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
} {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as ReturnType<typeof definedOnly<T>>;
}
