import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proto } from '@whiskeysockets/baileys';
import { buildContent, type QuotedMessage } from './content.ts';
import type { OutgoingMessage } from './whatsapp.ts';

const CHAT = '628111111111@s.whatsapp.net';
const SECRET = Buffer.alloc(32, 7);
const encoded = proto.Message.ImageMessage.encode({
  url: 'https://media.example/x',
  mimetype: 'image/png',
  fileLength: 5_000_000,
  width: 10,
  height: 20,
  jpegThumbnail: Buffer.from('thumb'),
  mediaKey: Buffer.alloc(32, 1),
}).finish();

const message = (more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  messageId: '3EB0000000000000000000',
  route: { recipient: { kind: 'person', jid: CHAT }, jid: CHAT, ephemeralSeconds: undefined },
  image: { sha256Uploaded: '', encoded },
  caption: '',
  viewOnce: false,
  forwarded: false,
  ephemeralSeconds: 0,
  mentions: [],
  quotedMessageId: undefined,
  ...more,
});

/** What a recipient decodes. */
function received(more: Partial<OutgoingMessage>, quoted?: QuotedMessage): proto.Message {
  const content = buildContent({ message: message(more), quoted, messageSecret: SECRET });
  return proto.Message.decode(proto.Message.encode(proto.Message.fromObject(content)).finish());
}

test('a plain image keeps every field of the upload and has no context', () => {
  const { imageMessage, messageContextInfo, viewOnceMessage } = received({});
  assert.equal(imageMessage?.url, 'https://media.example/x');
  assert.deepEqual([imageMessage?.width, imageMessage?.height, Number(imageMessage?.fileLength)], [10, 20, 5_000_000]);
  assert.equal(Buffer.from(imageMessage?.jpegThumbnail ?? '').toString(), 'thumb');
  assert.deepEqual([imageMessage?.contextInfo, imageMessage?.caption || undefined], [null, undefined]);
  assert.deepEqual(Buffer.from(messageContextInfo?.messageSecret ?? ''), SECRET);
  assert.equal(viewOnceMessage, null);
});

const CONTEXTS: [string, Partial<OutgoingMessage>, (context: proto.IContextInfo) => unknown, unknown][] = [
  ['forwarded', { forwarded: true }, (c) => [c.isForwarded, c.forwardingScore], [true, 1]],
  ['a timer', { ephemeralSeconds: 604_800 }, (c) => c.expiration, 604_800],
  ['mentions', { mentions: ['628222222222'] }, (c) => c.mentionedJid, ['628222222222@s.whatsapp.net']],
];
for (const [name, more, read, expected] of CONTEXTS) {
  for (const viewOnce of [false, true]) {
    test(`${name} travels in the image's context${viewOnce ? ', for view once too' : ''}`, () => {
      const content = received({ ...more, viewOnce });
      const image = viewOnce ? content.viewOnceMessage?.message?.imageMessage : content.imageMessage;
      assert.deepEqual(read(image?.contextInfo ?? {}), expected);
    });
  }
}

test('a view-once image is wrapped, marked, and without its thumbnail', () => {
  const content = received({ viewOnce: true, caption: 'once' });
  const image = content.viewOnceMessage?.message?.imageMessage;
  assert.equal(content.imageMessage, null);
  assert.deepEqual([image?.viewOnce, image?.caption], [true, 'once']);
  assert.equal(image?.jpegThumbnail?.length ?? 0, 0);
});

test('a quote carries id, author and content, without what that quoted and without its wrapper', () => {
  const content = proto.Message.fromObject({
    viewOnceMessage: {
      message: {
        imageMessage: { caption: 'seen', contextInfo: { stanzaId: 'older', quotedMessage: { conversation: 'x' } } },
      },
    },
    messageContextInfo: { messageSecret: SECRET },
  });
  const quoted: QuotedMessage = { id: 'ABC', chat: CHAT, author: '628111111111:3@s.whatsapp.net', content };
  const context = received({}, quoted).imageMessage?.contextInfo;
  assert.deepEqual([context?.stanzaId, context?.participant], ['ABC', CHAT]);
  assert.equal(context?.remoteJid || undefined, undefined);
  assert.equal(context?.quotedMessage?.imageMessage?.caption, 'seen');
  assert.equal(context?.quotedMessage?.imageMessage?.contextInfo, null);
  assert.equal(context?.quotedMessage?.messageContextInfo, null);
});

test('a quote from another chat names that chat', () => {
  const content = { conversation: 'hello' };
  const quoted: QuotedMessage = { id: 'ABC', chat: '120363000000000001@g.us', author: CHAT, content };
  const context = received({}, quoted).imageMessage?.contextInfo;
  assert.deepEqual([context?.remoteJid, context?.quotedMessage?.conversation], ['120363000000000001@g.us', 'hello']);
});
