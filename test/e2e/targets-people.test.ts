import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type BaileysReader, imageOf, startBaileysReader } from '../support/baileys-reader.ts';
import { assertSent } from '../support/message-status.ts';
import { photo, sha256 } from '../support/pictures.ts';
import { type Answer, sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';

const OWN = '6280000000001';

let stack: Stack;
let image: Buffer;
before(async () => {
  stack = await startStack();
  await stack.pair('my-device', OWN);
  image = await photo(120, 80);
});
after(() => stack.stop());

const send = (phone: string, fields: Record<string, string> = {}): Promise<Answer> =>
  sendImage(stack.url, 'my-device', { phone, image, ...fields });

test('every notation of a number reaches the same phone', async () => {
  const phone = stack.simulator.addPhone({ number: '628123456789' });
  for (const notation of [
    '628123456789',
    '628123456789@s.whatsapp.net',
    '+62 812-3456-789',
    '+62.812.3456.789',
    '62 (812) 3456 789',
    '628123456789:7@s.whatsapp.net',
    '628123456789@c.us',
    ' 628123456789 ',
    phone.lid,
    phone.lid.replace('@', ':3@'),
  ]) {
    const id = assertSent(await send(notation));
    const received = await phone.waitFor((message) => message.id === id);
    assert.deepEqual([received.from, received.sha256], [OWN, sha256(image)], notation);
  }
  assert.equal(phone.received.length, 10);
});

test('what is no recipient is refused', async () => {
  for (const phone of [
    '',
    '08123456789',
    '123456',
    '1234567890123456',
    'my friend',
    '628123456789@example.com',
    'status@broadcast',
    '120363000000000001@newsletter',
    'abc@g.us',
    '@lid',
  ]) {
    const answer = await send(phone);
    assert.deepEqual([answer.status, answer.code], [400, 'VALIDATION_ERROR'], phone);
    const [error] = answer.results['errors'] as { field: string }[];
    assert.equal(error?.field, 'phone');
  }
});

test('every device of the recipient decrypts the message, and so does the phone of the sender', async () => {
  const own = stack.simulator.phone(OWN);
  const phone = stack.simulator.addPhone({ number: '6281234567801', companions: 3 });
  for (const target of [phone.number, phone.lid]) {
    const id = assertSent(await send(target, { caption: 'for all of you' }));
    const received = await phone.waitFor((message) => message.id === id && message.decryptedBy === 4);
    assert.deepEqual([received.copies, received.fromMe, received.sha256], [1, false, sha256(image)]);
    const copy = await own?.waitFor((message) => message.id === id);
    assert.deepEqual([copy?.fromMe, copy?.caption, copy?.sha256], [true, 'for all of you', sha256(image)]);
  }
});

test('a device that the recipient links later gets what follows', async () => {
  const phone = stack.simulator.addPhone({ number: '6281234567802' });
  assertSent(await send(phone.number));
  const reader = await startBaileysReader(stack.simulator, phone.number);
  try {
    const id = assertSent(await send(phone.number));
    await phone.waitFor((message) => message.id === id);
    // The server tells in its ack that it knows more devices; the message after that is for them too.
    await reader.waitFor(assertSent(await send(phone.number)));
  } finally {
    await reader.stop();
  }
});

test('a picture to oneself arrives at the own phone', async () => {
  const own = stack.simulator.phone(OWN);
  const id = assertSent(await send(OWN, { caption: 'a note' }));
  const received = await own?.waitFor((message) => message.id === id);
  assert.deepEqual([received?.caption, received?.sha256, received?.error], ['a note', sha256(image), undefined]);
});

test('a real Baileys socket reads the message in the forms that phones honour', async (t) => {
  const phone = stack.simulator.addPhone({ number: '6281234567803' });
  const reader: BaileysReader = await startBaileysReader(stack.simulator, phone.number);
  t.after(() => reader.stop());

  const plain = await reader.waitFor(assertSent(await send(phone.number, { caption: 'hello', is_forwarded: '1' })));
  const shown = imageOf(plain);
  assert.ok(plain.message?.imageMessage, 'not wrapped');
  assert.deepEqual([shown.caption, shown.mimetype, shown.width, shown.height], ['hello', 'image/jpeg', 120, 80]);
  assert.deepEqual([shown.contextInfo?.isForwarded, shown.contextInfo?.forwardingScore], [true, 1]);
  assert.equal(Buffer.from(shown.fileSha256 ?? []).toString('hex'), sha256(image));
  assert.equal(Number(shown.fileLength), image.length);
  assert.ok(shown.jpegThumbnail?.length);

  const options = {
    view_once: '1',
    duration: '604800',
    mentions: '6281111111111',
    reply_message_id: plain.key.id ?? '',
  };
  const once = await reader.waitFor(assertSent(await send(phone.number, options)));
  const inner = once.message?.viewOnceMessage?.message?.imageMessage;
  assert.equal(inner?.viewOnce, true, 'wrapped, and marked inside');
  assert.equal(inner?.jpegThumbnail?.length ?? 0, 0);
  const { expiration, mentionedJid, stanzaId, participant, quotedMessage } = inner?.contextInfo ?? {};
  assert.deepEqual(
    [expiration, mentionedJid, stanzaId, participant, quotedMessage?.imageMessage?.caption],
    [604_800, ['6281111111111@s.whatsapp.net'], plain.key.id, `${OWN}@s.whatsapp.net`, 'hello'],
  );
});
