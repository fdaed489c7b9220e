import {
  DURATIONS_SECONDS,
  Failure,
  MAX_CAPTION_CODE_POINTS,
  parseRecipient,
  type Recipient,
  type SendImageJob,
} from '@postern/contract';
import { checkImageUrl } from '@postern/media';
import { FieldErrors } from './field-errors.ts';
import { isAbsent, parseBoolean, parseInteger, parseMentions, parseText } from './field-values.ts';

/** The fields of POST /send/image, checked and normalised. */
export type SendFields = Pick<
  SendImageJob,
  | 'recipient'
  | 'caption'
  | 'view_once'
  | 'compress'
  | 'hd'
  | 'is_forwarded'
  | 'duration'
  | 'mentions'
  | 'reply_message_id'
> & {
  /** Absent when the image was uploaded. */
  imageUrl?: string;
  ttlSeconds?: number;
};

export interface SendRules {
  /** Whether an uploaded image came with the fields. */
  hasUpload: boolean;
  /** The name of an unknown field in which a file came; a likely slip when there is no image. */
  strayFile?: string | undefined;
  /** CIDRs that image_url may point to although they are not public. */
  urlAllowPrivate: readonly string[];
}

const MAX_TTL_SECONDS = 86_400;
const MESSAGE_ID = /^[\x21-\x7e]{1,128}$/;
const NOBODY: Recipient = { kind: 'person', jid: '' };

/** Checks every field at once; unknown ones are ignored. Throws one VALIDATION_ERROR that lists each broken rule. */
export function parseSendFields(fields: ReadonlyMap<string, unknown>, rules: SendRules): SendFields {
  const errors = new FieldErrors();
  const boolean = (name: string) => errors.attempt(false, () => parseBoolean(fields.get(name), name));
  const optional = <T>(read: () => T | undefined) => errors.attempt<T | undefined>(undefined, read);

  const recipient = errors.attempt(NOBODY, () => parsePhone(fields.get('phone')));
  const imageUrl = optional(() => parseImageUrl(fields.get('image_url'), rules.urlAllowPrivate));
  checkOneImage(fields, rules, errors);
  const caption = errors.attempt('', () => parseCaption(fields.get('caption')));
  const duration = optional(() => parseDuration(fields.get('duration')));
  const mentions = errors.attempt([], () => parseMentions(fields.get('mentions'), 'mentions'));
  const replyTo = optional(() => parseReplyTo(fields.get('reply_message_id')));
  const ttlSeconds = optional(() => parseTtl(fields.get('ttl')));
  const flags = {
    view_once: boolean('view_once'),
    compress: boolean('compress'),
    hd: boolean('hd'),
    is_forwarded: boolean('is_forwarded'),
  };
  errors.throwIfAny();
  return {
    recipient,
    caption,
    ...flags,
    mentions,
    ...(imageUrl === undefined ? {} : { imageUrl }),
    ...(duration === undefined ? {} : { duration }),
    ...(replyTo === undefined ? {} : { reply_message_id: replyTo }),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
  };
}

function checkOneImage(fields: ReadonlyMap<string, unknown>, rules: SendRules, errors: FieldErrors): void {
  const { hasUpload, strayFile } = rules;
  const hasUrl = !isAbsent(fields.get('image_url'));
  if (!isAbsent(fields.get('image'))) {
    errors.add('image', 'expected a file in a multipart form, got text; use image_url for an address');
  } else if (hasUpload && hasUrl) {
    errors.add('image', 'got both image and image_url; expected exactly one');
  } else if (!hasUpload && !hasUrl) {
    const stray = strayFile === undefined ? '' : `; a file came in ${JSON.stringify(strayFile.slice(0, 32))}`;
    errors.add('image', `got neither image nor image_url; expected exactly one${stray}`);
  }
}

/** In JSON a number may be a number. */
function parsePhone(value: unknown): Recipient {
  return parseRecipient(parseText(Number.isSafeInteger(value) ? String(value) : value, 'phone'));
}

function parseImageUrl(value: unknown, allowPrivate: readonly string[]): string | undefined {
  const text = parseText(value, 'image_url').trim();
  return text === '' ? undefined : checkImageUrl(text, allowPrivate).href;
}

function parseCaption(value: unknown): string {
  const caption = parseText(value, 'caption');
  const length = Array.from(caption).length; // code points, as the rule counts
  if (length <= MAX_CAPTION_CODE_POINTS) return caption;
  throw Failure.field('caption', `has ${length} characters; at most ${MAX_CAPTION_CODE_POINTS} are accepted`);
}

function parseDuration(value: unknown): SendFields['duration'] {
  const seconds = parseInteger(value, 'duration');
  if (seconds === undefined) return undefined;
  const known = DURATIONS_SECONDS.find((duration) => duration === seconds);
  if (known !== undefined) return known;
  throw Failure.field('duration', `is ${seconds}; expected ${DURATIONS_SECONDS.join(', ')} (seconds)`);
}

function parseReplyTo(value: unknown): string | undefined {
  const id = parseText(value, 'reply_message_id').trim();
  if (id === '') return undefined;
  if (!MESSAGE_ID.test(id)) throw Failure.field('reply_message_id', 'is not a message id');
  return id;
}

function parseTtl(value: unknown): number | undefined {
  const seconds = parseInteger(value, 'ttl');
  if (seconds === undefined || (seconds >= 1 && seconds <= MAX_TTL_SECONDS)) return seconds;
  throw Failure.field('ttl', `is ${seconds}; expected 1 to ${MAX_TTL_SECONDS} (seconds)`);
}
