import { CONTENT_TTL_MS, type DeviceKeys, scanKeys } from '@postern/registry';
import { normalizeMessageContent, proto } from '@whiskeysockets/baileys';
import type { Redis } from 'ioredis';
import type { QuotedMessage } from './content.ts';
import type { OwnedWriter } from './credentials/owned-writer.ts';
import type { StateCipher } from './credentials/state-cipher.ts';

const MAX_BYTES = 64 * 1024;
const MAX_BYTES_WITH_THUMBNAIL = 16 * 1024;
const MAX_ID_LENGTH = 128;

/** One message as it is kept. */
export interface StoredContent extends QuotedMessage {
  /** Unix seconds. */
  timestamp: number;
  fromMe: boolean;
}

/**
 * The content of messages sent and seen, for 7 days: WhatsApp asks for it in retry receipts, from any device and long
 * after the socket or process that sent it is gone, and quotes carry it.
 */
export interface StoredContents {
  /** A message of others never replaces one that is kept; one that is too large even without its thumbnail is not kept. */
  save(stored: StoredContent): Promise<void>;
  find(messageId: string): Promise<StoredContent | undefined>;
}

export interface StoredContentsOptions {
  redis: Redis;
  device: DeviceKeys;
  writer: OwnedWriter;
  cipher: StateCipher;
}

export function createStoredContents({ redis, device, writer, cipher }: StoredContentsOptions): StoredContents {
  return {
    async save(stored) {
      if (stored.id.length > MAX_ID_LENGTH) return;
      const encoded = encodeBounded(stored);
      if (encoded === undefined) return;
      const key = device.content(stored.id);
      // Whoever got a message of ours knows its id, and could send one of the same id to take its place.
      if (!stored.fromMe && (await redis.exists(key)) === 1) return;
      await writer.write([{ command: 'SET', key, value: cipher.seal(encoded, key), ttlMs: CONTENT_TTL_MS }]);
    },
    async find(messageId) {
      const key = device.content(messageId);
      const sealed = await redis.getBuffer(key);
      return sealed ? decode(cipher.open(sealed, key)) : undefined;
    },
  };
}

/** Removes every content kept for a device. */
export async function clearContents(redis: Redis, device: DeviceKeys, writer: OwnedWriter): Promise<void> {
  const pattern = device.content('*').replace(/[[\]?\\]/g, '\\$&');
  for await (const found of scanKeys(redis, pattern)) await writer.write(found.map((key) => ({ command: 'DEL', key })));
}

/** Without its thumbnail when it is large; nothing when it is too large even so. */
function encodeBounded(stored: StoredContent): Uint8Array | undefined {
  const whole = encode(stored, stored.content);
  if (whole.length <= (stored.fromMe ? MAX_BYTES : MAX_BYTES_WITH_THUMBNAIL)) return whole;
  const slim = encode(stored, withoutThumbnail(stored.content));
  return slim.length <= MAX_BYTES ? slim : undefined;
}

function encode({ id, chat, author, timestamp, fromMe }: StoredContent, message: proto.IMessage): Uint8Array {
  const key = { id, remoteJid: chat, participant: author, fromMe };
  return proto.WebMessageInfo.encode(
    proto.WebMessageInfo.fromObject({ key, message, messageTimestamp: timestamp }),
  ).finish();
}

function decode(encoded: Uint8Array): StoredContent | undefined {
  const { key, message, messageTimestamp } = proto.WebMessageInfo.decode(encoded);
  if (!key?.id || !key.remoteJid || !message) return undefined;
  return {
    id: key.id,
    chat: key.remoteJid,
    author: key.participant ?? key.remoteJid,
    fromMe: key.fromMe === true,
    timestamp: Number(messageTimestamp ?? 0),
    content: message,
  };
}

function withoutThumbnail(content: proto.IMessage): proto.IMessage {
  const copy = proto.Message.decode(proto.Message.encode(proto.Message.fromObject(content)).finish());
  for (const value of Object.values(normalizeMessageContent(copy) ?? {})) {
    if (typeof value === 'object' && value !== null && 'jpegThumbnail' in value)
      Reflect.deleteProperty(value, 'jpegThumbnail');
  }
  return copy;
}
