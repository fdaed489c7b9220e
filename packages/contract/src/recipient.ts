import { z } from 'zod';
import { Failure } from './failure.ts';

/** Where a message goes: a person by number, a person by hidden id (LID), or a group. `jid` is normalised. */
export const recipientSchema = z.object({
  kind: z.enum(['person', 'lid', 'group']),
  jid: z.string(),
});
export type Recipient = z.infer<typeof recipientSchema>;

const NUMBER = /^[1-9]\d{6,14}$/;
const GROUP_ID = /^\d{1,25}(-\d{1,15})?$/;
const LID = /^\d{1,20}$/;
const EXPECTED = 'expected a number like 6281234567890, <number>@s.whatsapp.net, <id>@g.us or <id>@lid';

/**
 * Parses the `phone` field: bare digits (spaces, dashes, dots, parentheses and a leading + are dropped), a person's, a
 * group's or a LID's JID. A device-suffixed JID is reduced to its user. Throws a VALIDATION_ERROR that names the rule.
 */
export function parseRecipient(text: string, field = 'phone'): Recipient {
  const trimmed = text.trim();
  if (trimmed === '') throw Failure.field(field, `missing; ${EXPECTED}`);
  const at = trimmed.indexOf('@');
  if (at === -1) return { kind: 'person', jid: `${parseNumber(trimmed, field)}@s.whatsapp.net` };
  const user = trimmed.slice(0, at).replace(/[:_]\d+(:\d+)?$/, '');
  switch (trimmed.slice(at + 1).toLowerCase()) {
    case 's.whatsapp.net':
    case 'c.us':
      return { kind: 'person', jid: `${parseNumber(user, field)}@s.whatsapp.net` };
    case 'g.us':
      if (!GROUP_ID.test(user)) throw Failure.field(field, 'not a group id; expected digits before @g.us');
      return { kind: 'group', jid: `${user}@g.us` };
    case 'lid':
      if (!LID.test(user)) throw Failure.field(field, 'not a LID; expected digits before @lid');
      return { kind: 'lid', jid: `${user}@lid` };
    case 'newsletter':
    case 'broadcast':
      throw Failure.field(field, 'channels, broadcast lists and status are not supported as recipients');
    default:
      throw Failure.field(field, `unknown address; ${EXPECTED}`);
  }
}

/** Digits of a phone number as WhatsApp wants them: international, 7 to 15 digits, no leading 0. */
export function parseNumber(text: string, field: string): string {
  const digits = text
    .trim()
    .replace(/^\+/, '')
    .replace(/[\s\-.()]/g, '');
  if (!/^\d+$/.test(digits)) throw Failure.field(field, `not a phone number; ${EXPECTED}`);
  if (digits.startsWith('0')) {
    throw Failure.field(field, 'starts with 0; expected the international form with its country code');
  }
  if (!NUMBER.test(digits)) throw Failure.field(field, `has ${digits.length} digits; expected 7 to 15`);
  return digits;
}
