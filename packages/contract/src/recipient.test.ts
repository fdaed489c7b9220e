import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from './failure.ts';
import { parseRecipient } from './recipient.ts';

const accepted: [string, string, string][] = [
  ['628123456789@s.whatsapp.net', 'person', '628123456789@s.whatsapp.net'],
  ['628123456789', 'person', '628123456789@s.whatsapp.net'],
  ['+62 812-3456-789', 'person', '628123456789@s.whatsapp.net'],
  ['(62) 812.3456.789', 'person', '628123456789@s.whatsapp.net'],
  ['628123456789:12@s.whatsapp.net', 'person', '628123456789@s.whatsapp.net'],
  ['628123456789_1:12@s.whatsapp.net', 'person', '628123456789@s.whatsapp.net'],
  ['120363041234567890@g.us', 'group', '120363041234567890@g.us'],
  ['1@g.us', 'group', '1@g.us'],
  ['7@lid', 'lid', '7@lid'],
  ['628123456789-1599999999@g.us', 'group', '628123456789-1599999999@g.us'],
  ['123456789012345@lid', 'lid', '123456789012345@lid'],
  ['123456789012345:3@lid', 'lid', '123456789012345@lid'],
];

for (const [text, kind, jid] of accepted) {
  test(`${text} is the ${kind} ${jid}`, () => {
    assert.deepEqual(parseRecipient(text), { kind, jid });
  });
}

const refused = ['', '  ', '0812345678', '123456', '1234567890123456', 'abc', '62x8123456', 'a@g.us', 'x@lid'];
for (const text of [
  ...refused,
  '123@newsletter',
  'status@broadcast',
  '62812345678@example.com',
  '62812@@s.whatsapp.net',
]) {
  test(`"${text}" is refused as a recipient`, () => {
    assert.throws(
      () => parseRecipient(text),
      (error: unknown) =>
        error instanceof Failure && error.code === 'VALIDATION_ERROR' && error.message.startsWith('phone: '),
    );
  });
}
