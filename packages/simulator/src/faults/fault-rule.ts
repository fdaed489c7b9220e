import { z } from 'zod';

/** Where a fault strikes and what happens there. The parameter in brackets is the rule's field that shapes it. */
const FAULT_KINDS = [
  /** The socket is closed when a message arrives; it is neither relayed nor acknowledged. */
  'close_before_ack',
  /** The message is relayed, its ack written, then the socket is closed. */
  'close_after_ack',
  /** The message is relayed and never acknowledged. */
  'drop_ack',
  /** The message is relayed and its ack written after [delayMs]. */
  'delay_ack',
  /** The message is not relayed; its ack carries the error number [error]. */
  'nack',
  /** The socket is closed on connect, or on the query named by [xmlns]. */
  'close',
  /** A stream error [code] (440 is a conflict) is written on connect or on [xmlns], then the socket is closed. */
  'stream_error',
  /** A query, of the namespace [xmlns] if given, is not answered. */
  'iq_silence',
  /** A query, of the namespace [xmlns] if given, is answered with the error number [error]. */
  'iq_error',
  /** The WebSocket upgrade is answered by the HTTP status [status] with Connection: close. */
  'upgrade_status',
  /** A media upload is answered by the HTTP status [status]. */
  'upload_refuse',
  /** The connection of a media upload is reset in the middle of the body. */
  'upload_reset',
  /** A media upload is read and never answered. */
  'upload_hang',
  /** A media upload is answered after [delayMs]. */
  'upload_slow',
  /** A media download is answered by the HTTP status [status]. */
  'download_refuse',
  /** The connection stays open and nothing is read from or written to it any more. */
  'freeze',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

const milliseconds = z.number().int().min(0).max(3_600_000);

/** A fault as it is asked for. Unknown fields are refused, so that a misspelt filter never strikes everything. */
export const faultSchema = z.strictObject({
  kind: z.enum(FAULT_KINDS),
  /** Only for this device: its number, its account's JID (any device of it), or its full device JID. */
  device: z.string().min(1).optional(),
  messageId: z.string().min(1).optional(),
  /** Only for messages to this number or chat JID. */
  to: z.string().min(1).optional(),
  /** Only for queries of this namespace: usync, encrypt, w:m, w:g2, … */
  xmlns: z.string().min(1).optional(),
  /** How many matching occasions pass unharmed first. Default 0. */
  skip: z.number().int().min(0).optional(),
  /** How often it strikes. Default 1; null is for ever. */
  count: z.number().int().min(1).nullable().optional(),
  /** Chance, 0 to 1, that it strikes an occasion; drawn from the book's seed. Default 1. */
  probability: z.number().min(0).max(1).optional(),
  error: z.number().int().min(1).max(999).optional(),
  code: z.number().int().min(1).max(999).optional(),
  status: z.number().int().min(400).max(599).optional(),
  delayMs: milliseconds.optional(),
});

export type Fault = z.output<typeof faultSchema>;
export type FaultRule = Fault & { id: string };

/** What is known where a fault may strike; a rule's filter on something unknown here does not match. */
export interface FaultContext {
  /** Full JID of the device whose connection or query it is. */
  device?: string | undefined;
  messageId?: string | undefined;
  to?: string | undefined;
  xmlns?: string | undefined;
}

/** Without `xmlns` these strike on connect only, never on a query. */
const NAMED_QUERY_KINDS: ReadonlySet<FaultKind> = new Set(['close', 'stream_error']);

/** Says whether every filter of the fault matches. Kind, counts and chance are the book's business. */
export function isFaultFor(fault: Fault, context: FaultContext): boolean {
  return (
    (fault.device === undefined || isSameAddress(fault.device, context.device)) &&
    (fault.to === undefined || isSameAddress(fault.to, context.to)) &&
    (fault.messageId === undefined || fault.messageId === context.messageId) &&
    (fault.xmlns === context.xmlns || (fault.xmlns === undefined && !NAMED_QUERY_KINDS.has(fault.kind)))
  );
}

function isSameAddress(wanted: string, actual: string | undefined): boolean {
  if (actual === undefined) return false;
  if (wanted === actual) return true;
  const [user = '', server = ''] = actual.split('@');
  const account = user.split(':')[0] ?? '';
  return wanted === account || wanted === `${account}@${server}`;
}
