import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKeys } from '@postern/registry';
import type { Phone, ReceivedMessage } from '@postern/simulator';
import { assertNothingLeft, assertSent, readMessage } from '../support/message-status.ts';
import { photo, sha256 } from '../support/pictures.ts';
import { type Answer, type SendImageFields, sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const OWN = '6280000000001';

let stack: Stack;
let own: Phone;
let friend: Phone;
let image: Buffer;
before(async () => {
  stack = await startStack();
  own = await stack.pair('my-device', OWN);
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  image = await photo(200, 100);
});
after(() => stack.stop());

type Fields = Partial<SendImageFields>;
const send = (fields: Fields): Promise<Answer> =>
  sendImage(stack.url, 'my-device', { phone: friend.number, image, ...fields });

async function show(fields: Fields, reader: Phone = friend): Promise<ReceivedMessage> {
  const id = assertSent(await send(fields));
  const received = await reader.waitFor((message) => message.id === id);
  assert.equal(received.error, undefined);
  assert.equal(received.sha256, sha256(image));
  return received;
}

async function assertRefusedField(fields: Fields, field: string, message: RegExp): Promise<void> {
  const answer = await send(fields);
  assert.deepEqual([answer.status, answer.code], [400, 'VALIDATION_ERROR'], JSON.stringify(fields));
  const errors = answer.results['errors'] as { field: string; message: string }[];
  assert.deepEqual(
    errors.map((error) => error.field),
    [field],
  );
  assert.match(errors[0]?.message ?? '', message);
}

test('without options the phone shows a picture that is nothing special', async () => {
  const { caption, viewOnce, forwarded, forwardingScore, ephemeralSeconds, quoted, mentions } = await show({});
  assert.deepEqual(
    { caption, viewOnce, forwarded, forwardingScore, ephemeralSeconds, quoted, mentions },
    {
      caption: undefined,
      viewOnce: false,
      forwarded: false,
      forwardingScore: 0,
      ephemeralSeconds: undefined,
      quoted: undefined,
      mentions: [],
    },
  );
});

test('a caption of 3000 code points arrives whole: emoji, right-to-left, combining marks', async () => {
  const start = 'Héllo 👨‍👩‍👧 — مرحبا, नमस्ते, ñandú, 日本 "quoted" & <b>\t';
  const caption = start + '🎈'.repeat(3000 - Array.from(start).length);
  assert.equal(Array.from(caption).length, 3000);
  assert.equal((await show({ caption })).caption, caption);
  await assertRefusedField({ caption: `${caption}!` }, 'caption', /3001.*3000/);
});

test('a view-once picture is marked as such and carries no thumbnail that shows it', async () => {
  for (const view_once of ['true', 'YES', '1', 'On']) {
    const received = await show({ view_once, caption: 'once' });
    assert.deepEqual([received.viewOnce, received.thumbnail, received.caption], [true, undefined, 'once']);
  }
  for (const view_once of ['false', 'No', '0', 'off', '']) {
    const received = await show({ view_once });
    assert.equal(received.viewOnce, false);
    assert.ok(received.thumbnail);
  }
});

test('a forwarded picture carries the mark and its score', async () => {
  const { forwarded, forwardingScore } = await show({ is_forwarded: 'true' });
  assert.deepEqual([forwarded, forwardingScore], [true, 1]);
});

test('a boolean that is none, a duration that is not offered, and a ttl out of range are refused', async () => {
  for (const name of ['view_once', 'compress', 'hd', 'is_forwarded'])
    await assertRefusedField({ [name]: 'maybe' }, name, /maybe/);
  for (const duration of ['1', '3600', '-1', '86400.5', 'day'])
    await assertRefusedField({ duration }, 'duration', /expected/);
  for (const ttl of ['0', '86401', 'soon']) await assertRefusedField({ ttl }, 'ttl', /expected/);
});

test('each duration becomes the timer of the message; 0 leaves none', async () => {
  for (const seconds of [86_400, 604_800, 7_776_000]) {
    assert.equal((await show({ duration: String(seconds) })).ephemeralSeconds, seconds);
  }
  assert.equal((await show({ duration: '0' })).ephemeralSeconds, undefined);
});

test('without a duration the timer that an inbound message told is used, and a duration overrules it', async () => {
  const chatty = stack.simulator.addPhone({ number: '6281234567811' });
  await chatty.send(OWN, { text: 'this vanishes', ephemeralSeconds: 604_800 });
  const { timers } = createKeys('postern').device('my-device');
  await waitUntil('the timer is known', () => stack.redis.hget(timers, chatty.jid));
  assert.equal((await show({ phone: chatty.number }, chatty)).ephemeralSeconds, 604_800);
  assert.equal((await show({ phone: chatty.lid }, chatty)).ephemeralSeconds, 604_800);
  assert.equal((await show({ phone: chatty.number, duration: '86400' }, chatty)).ephemeralSeconds, 86_400);
  assert.equal((await show({ phone: chatty.number, duration: '0' }, chatty)).ephemeralSeconds, undefined);
  assert.equal((await show({})).ephemeralSeconds, undefined, 'other chats are not touched');
});

test('without a duration the timer of the group is used, and a duration overrules it', async () => {
  const members = [OWN, friend.number];
  const group = stack.simulator.addGroup({ subject: 'Vanishing', members, ephemeralSeconds: 86_400 });
  assert.equal((await show({ phone: group.jid })).ephemeralSeconds, 86_400);
  assert.equal((await show({ phone: group.jid, duration: '7776000' })).ephemeralSeconds, 7_776_000);
  assert.equal((await show({ phone: group.jid, duration: '0' })).ephemeralSeconds, undefined);
});

test('a reply quotes one of our own messages', async () => {
  const first = await show({ caption: 'the first' });
  const { quoted } = await show({ caption: 'the second', reply_message_id: first.id });
  assert.deepEqual(quoted, { id: first.id, text: 'the first', participant: own.jid });
});

test('a reply quotes an inbound message, text or picture, in the chat of a person and of a group', async () => {
  const group = stack.simulator.addGroup({ subject: 'Quotes', members: [OWN, friend.number], addressing: 'pn' });
  const inbound = [
    { chat: friend.number, id: (await friend.send(OWN, { text: 'how are you?' })).id, text: 'how are you?' },
    { chat: friend.number, id: (await friend.send(OWN, { image, caption: 'look' })).id, text: 'look' },
    { chat: group.jid, id: (await friend.send(group.jid, { text: 'all of you?' })).id, text: 'all of you?' },
  ];
  const keys = createKeys('postern').device('my-device');
  for (const { chat, id, text } of inbound) {
    await waitUntil('the message was seen', () => stack.redis.exists(keys.content(id)));
    const { quoted } = await show({ phone: chat, reply_message_id: id });
    assert.deepEqual(quoted, { id, text, participant: friend.jid });
  }
});

test('a reply to a message that nobody knows is refused, and nothing is queued', async () => {
  for (const reply_message_id of ['3EB0000000000000000000', 'NEVER-SEEN'])
    await assertRefusedField({ reply_message_id }, 'reply_message_id', /no such message/);
  await assertNothingLeft(stack, 'my-device');
});

test('mentions arrive as a list, repeated, as JIDs, and with a view-once picture too', async () => {
  const jids = ['6281111111111@s.whatsapp.net', '6282222222222@s.whatsapp.net'];
  const caption = '@6281111111111 @6282222222222 look';
  const text = '+62 811-1111-1111, 6282222222222@s.whatsapp.net,6281111111111';
  assert.deepEqual((await show({ caption, mentions: text })).mentions, jids);
  const once = await show({ caption, mentions: text, view_once: 'true' });
  assert.deepEqual([once.mentions, once.viewOnce], [jids, true]);
  await assertRefusedField({ mentions: '12' }, 'mentions', /2 digits/);
});

test('ttl says until when the message may wait', async () => {
  for (const [ttl, seconds] of [
    ['90', 90],
    ['', 86_400],
  ] as const) {
    const { results } = await readMessage(stack.url, (await show({ ttl })).id);
    const waits = Date.parse(String(results['expires_at'])) - Date.parse(String(results['created_at']));
    assert.equal(waits, seconds * 1000);
  }
});

test('all options hold together, to a person and to a group', async () => {
  const group = stack.simulator.addGroup({ subject: 'Everything', members: [OWN, friend.number] });
  for (const phone of [friend.number, group.jid]) {
    const { id } = await show({ phone, caption: 'before' });
    const options = { view_once: '1', is_forwarded: '1', duration: '86400', mentions: friend.number };
    const received = await show({ phone, caption: 'all', reply_message_id: id, ...options });
    const { caption, viewOnce, forwarded, forwardingScore, ephemeralSeconds, quoted, mentions, thumbnail } = received;
    assert.deepEqual([caption, viewOnce, forwarded, forwardingScore], ['all', true, true, 1]);
    assert.deepEqual([ephemeralSeconds, quoted?.id, quoted?.text], [86_400, id, 'before']);
    assert.deepEqual([mentions, thumbnail], [[friend.jid], undefined]);
  }
});
