import { z } from 'zod';
import { IMAGE_MIME_TYPES } from './limits.ts';
import { recipientSchema } from './recipient.ts';

/** The disappearing timers WhatsApp offers, in seconds; 0 sends a message that stays. */
export const DURATIONS_SECONDS = [0, 86_400, 604_800, 7_776_000] as const;

/** An upload that waits in the blob store under the message's own id. */
const uploadedImage = z.object({
  source: z.literal('blob'),
  mimetype: z.enum(IMAGE_MIME_TYPES),
  bytes: z.int(),
  width: z.int(),
  height: z.int(),
  /** Hex, of the bytes as they were uploaded. */
  sha256: z.string(),
});
const remoteImage = z.object({ source: z.literal('url'), url: z.string() });

/** The payload of a lane's `send-image` job: everything the worker needs, already validated and normalised. */
export const sendImageJob = z.object({
  message_id: z.string(),
  device_id: z.string(),
  /** When the device was registered that it was accepted for, in Unix milliseconds: a later one of the same id is another. */
  device_created_at: z.int().optional(),
  recipient: recipientSchema,
  image: z.discriminatedUnion('source', [uploadedImage, remoteImage]),
  caption: z.string(),
  view_once: z.boolean(),
  compress: z.boolean(),
  hd: z.boolean(),
  is_forwarded: z.boolean(),
  /** Seconds; absent: the chat's own timer, where it is known. */
  duration: z.union(DURATIONS_SECONDS.map((seconds) => z.literal(seconds))).optional(),
  /** Digits of the numbers mentioned in the caption. */
  mentions: z.array(z.string()),
  reply_message_id: z.string().optional(),
  /** The name of the key or user that asked for it. */
  principal: z.string().optional(),
  /** The failed message that this one sends again. */
  retry_of: z.string().optional(),
  /** Unix time in milliseconds. */
  accepted_at: z.int(),
  /** Unix time in milliseconds after which a message still queued is not sent any more. */
  expires_at: z.int(),
  request_id: z.string(),
  /** W3C Trace Context of the request, when it is traced. */
  traceparent: z.string().optional(),
  /** The mailbox of the gateway that may be waiting for the outcome. */
  reply_to: z.string(),
});
export type SendImageJob = z.infer<typeof sendImageJob>;

/** Every kind of job a lane carries. Changes to a payload are additive; a breaking one is a new name. */
export const JOBS = { 'send-image': sendImageJob } as const;
export type JobName = keyof typeof JOBS;
