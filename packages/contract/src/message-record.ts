import { z } from 'zod';
import type { FailureCode } from './failure.ts';

export const MESSAGE_STATES = ['queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'cancelled'] as const;
export type MessageState = (typeof MESSAGE_STATES)[number];

/** What is kept of a failure: what the API answers, never its cause. */
export const failureRecord = z.object({
  code: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).default({}),
  retry_after_seconds: z.number().optional(),
});
export type FailureRecord = Omit<z.infer<typeof failureRecord>, 'code'> & { code: FailureCode };

/** One message as the registry keeps it: ledger, result and status at once. Times are Unix milliseconds. */
export interface MessageRecord {
  message_id: string;
  device_id: string;
  /** The recipient's JID. */
  phone: string;
  state: MessageState;
  /** How many times the message was handed to WhatsApp, or tried to be. */
  attempts: number;
  /** How many owners took it in hand, before it was sent, and did not hand it back: all but the present one died. */
  starts?: number;
  /** What became of the picture as it was sent, see `MESSAGE_NOTES`; absent before the first attempt. */
  notes?: readonly string[];
  created_at: number;
  expires_at: number;
  sent_at?: number;
  delivered_at?: number;
  read_at?: number;
  /** In groups: how many participants said so. */
  delivered_count?: number;
  read_count?: number;
  /** The name of the key or user that asked for it. */
  principal?: string;
  /** The failed message that this one sends again. */
  retry_of?: string;
  error?: FailureRecord;
}

export function isMessageState(text: string): text is MessageState {
  return (MESSAGE_STATES as readonly string[]).includes(text);
}

/** Whether WhatsApp has the message: it was acknowledged, or a phone has told of it. */
export function isSent(state: MessageState): boolean {
  return state === 'sent' || state === 'delivered' || state === 'read';
}

/** Whether the state can change no more by sending (receipts may still advance it). */
export function isSettled(state: MessageState): boolean {
  return state !== 'queued' && state !== 'sending';
}
