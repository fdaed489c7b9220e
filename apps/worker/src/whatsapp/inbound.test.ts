import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proto, type WAMessage } from '@whiskeysockets/baileys';
import { readInbound } from './inbound.ts';

const OWN = '628100:5@s.whatsapp.net';
const FRIEND = '628111@s.whatsapp.net';
const GROUP = '120363000000000001@g.us';

const arrived = (message: proto.IMessage, key: Partial<WAMessage['key']> = {}): WAMessage => ({
  key: { id: 'A1', remoteJid: FRIEND, fromMe: false, ...key },
  message,
  messageTimestamp: 1_700_000_000,
});

test('a message from a person is kept, as written by that person', () => {
  const { content, timer } = readInbound(arrived({ conversation: 'hi' }), OWN);
  assert.deepEqual(content, {
    id: 'A1',
    chat: FRIEND,
    author: FRIEND,
    fromMe: false,
    timestamp: 1_700_000_000,
    content: { conversation: 'hi' },
  });
  assert.equal(timer, undefined);
});

test('in a group the participant is the author; from another device of ours, we are', () => {
  const inGroup = readInbound(arrived({ conversation: 'hi' }, { remoteJid: GROUP, participant: FRIEND }), OWN);
  assert.deepEqual([inGroup.content?.chat, inGroup.content?.author], [GROUP, FRIEND]);
  const ours = readInbound(arrived({ conversation: 'hi' }, { fromMe: true }), OWN);
  assert.deepEqual([ours.content?.author, ours.content?.fromMe], [OWN, true]);
});

test('wrappers are taken off', () => {
  const message = { ephemeralMessage: { message: { viewOnceMessage: { message: { conversation: 'hi' } } } } };
  assert.deepEqual(readInbound(arrived(message), OWN).content?.content, { conversation: 'hi' });
});

test("a timer is told by a message's own, for the number and the LID of the chat", () => {
  const message = { extendedTextMessage: { text: 'hi', contextInfo: { expiration: 86_400 } } };
  const { timer } = readInbound(arrived(message, { remoteJid: '900@lid', remoteJidAlt: FRIEND }), OWN);
  assert.deepEqual(timer, { chats: ['900@lid', FRIEND], seconds: 86_400 });
});

for (const [seconds, expected] of [
  [604_800, 604_800],
  [0, 0],
] as const) {
  test(`a change of the timer to ${seconds} is told, and is no message to keep`, () => {
    const type = proto.Message.ProtocolMessage.Type.EPHEMERAL_SETTING;
    const message = { protocolMessage: { type, ephemeralExpiration: seconds } };
    const { content, timer } = readInbound(arrived(message, { remoteJid: GROUP, participant: FRIEND }), OWN);
    assert.deepEqual([content, timer], [undefined, { chats: [GROUP], seconds: expected }]);
  });
}

const NOTHING: [string, WAMessage][] = [
  ['a reaction', arrived({ reactionMessage: { text: '+' } })],
  ['a message without content', arrived({})],
  ['a status', arrived({ conversation: 'hi' }, { remoteJid: 'status@broadcast' })],
  ['a channel', arrived({ conversation: 'hi' }, { remoteJid: '1@newsletter' })],
  ['a message without an id', arrived({ conversation: 'hi' }, { id: '' })],
];
for (const [name, message] of NOTHING) {
  test(`${name} is not kept`, () => {
    assert.deepEqual(readInbound(message, OWN), { content: undefined, timer: undefined });
  });
}
