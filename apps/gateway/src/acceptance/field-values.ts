import { Failure, parseNumber, parseRecipient } from '@postern/contract';

/** Field values as they come: text (forms), a list (a repeated field), or any JSON value. */
type Value = unknown;

const BOOLEANS = new Map<string, boolean>([
  ...['true', '1', 'on', 'yes'].map((word) => [word, true] as const),
  ...['false', '0', 'off', 'no', ''].map((word) => [word, false] as const),
]);
const MAX_MENTIONS = 256;
/** Room for that many JIDs, in characters. */
const MAX_MENTIONS_LENGTH = MAX_MENTIONS * 64;

/** Whether nothing was sent: absent, null or empty text. */
export function isAbsent(value: Value): boolean {
  return value === undefined || value === null || value === '';
}

/** Text; empty when absent. */
export function parseText(value: Value, field: string): string {
  if (isAbsent(value)) return '';
  if (typeof value !== 'string') throw Failure.field(field, `expected text, got ${nameOf(value)}`);
  if (value.includes('\ufffd'))
    throw Failure.field(field, 'contains bytes that cannot be read as text (or U+FFFD, which stands for them)');
  if (/\p{Surrogate}/u.test(value)) throw Failure.field(field, 'contains half a character (an unpaired surrogate)');
  return value;
}

/** true/false/1/0/on/off/yes/no in any case; absent is false. */
export function parseBoolean(value: Value, field: string): boolean {
  if (isAbsent(value)) return false;
  const scalar = typeof value === 'boolean' || value === 0 || value === 1 ? String(value) : value;
  const parsed = typeof scalar === 'string' ? BOOLEANS.get(scalar.trim().toLowerCase()) : undefined;
  if (parsed !== undefined) return parsed;
  throw Failure.field(field, `expected true, false, 1, 0, on, off, yes or no, got ${nameOf(value)}`);
}

/** A whole number; undefined when absent. */
export function parseInteger(value: Value, field: string): number | undefined {
  if (isAbsent(value)) return undefined;
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value.trim()) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw Failure.field(field, `expected a whole number, got ${nameOf(value)}`);
}

/**
 * Digits of numbers given as a list (of text or, in JSON, numbers), or as text separated by commas; each a number or a
 * person's JID. Too many are refused before any is looked at.
 */
export function parseMentions(value: Value, field: string): string[] {
  if (isAbsent(value)) return [];
  const items = (Array.isArray(value) ? value : [value]) as unknown[];
  const tooMany = () => Failure.field(field, `has more than ${MAX_MENTIONS} numbers`);
  if (items.length > MAX_MENTIONS) throw tooMany();
  const texts = items.map((item) => parseText(Number.isSafeInteger(item) ? String(item) : item, field));
  if (texts.reduce((length, text) => length + text.length, 0) > MAX_MENTIONS_LENGTH) throw tooMany();
  const numbers = texts.flatMap((text) => text.split(',')).filter((item) => item.trim() !== '');
  if (numbers.length > MAX_MENTIONS) throw tooMany();
  return [...new Set(numbers.map((item) => toNumber(item, field)))];
}

function toNumber(item: string, field: string): string {
  if (!item.includes('@')) return parseNumber(item, field);
  const { kind, jid } = parseRecipient(item, field);
  if (kind !== 'person') throw Failure.field(field, 'only people can be mentioned, by their numbers');
  return jid.slice(0, jid.indexOf('@'));
}

/** Says what was got without repeating more than a few characters of it. */
function nameOf(value: Value): string {
  if (Array.isArray(value)) return 'it more than once';
  if (typeof value === 'string') return JSON.stringify(value.length > 32 ? `${value.slice(0, 32)}…` : value);
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`;
  return value === null ? 'null' : 'an object';
}
