import { z } from 'zod';
import { messageNotes } from './message-notes.ts';
import { failureRecord } from './message-record.ts';

/** What a gateway asks the owner of a device to do. */
export const DEVICE_COMMANDS = ['login', 'pair_code', 'check', 'logout', 'reconnect', 'delete'] as const;
export type DeviceCommandName = (typeof DEVICE_COMMANDS)[number];

const deviceCommand = z.object({
  type: z.literal('command'),
  command_id: z.string(),
  name: z.enum(DEVICE_COMMANDS),
  device_id: z.string(),
  /** Digits; only for `pair_code` and `check`. */
  phone: z.string().optional(),
  reply_to: z.string(),
  request_id: z.string(),
});
export type DeviceCommand = z.infer<typeof deviceCommand>;

/** How a command ended. `results` holds `{pair_code}` for `pair_code`, `{is_on_whatsapp: true|false}` (as text) for `check`, else nothing. `not_owner`: ask the registry again. */
const commandResult = z.object({
  type: z.literal('command_result'),
  command_id: z.string(),
  outcome: z.enum(['done', 'failed', 'not_owner']),
  results: z.record(z.string(), z.string()).default({}),
  failure: failureRecord.optional(),
});
export type CommandResult = z.infer<typeof commandResult>;

/** The news that a message has settled: as sent, or as its record says. */
const messageSettled = z.object({
  type: z.literal('message_settled'),
  message_id: z.string(),
  state: z.literal('sent').optional(),
  /** With `state`: what became of the picture. */
  notes: messageNotes.optional(),
});

/** The news that nobody owns these devices any more, and that the reader should claim them without waiting. */
const devicesReleased = z.object({ type: z.literal('devices_released'), device_ids: z.array(z.string()) });

/** The news that something waits in a lane that its owner does not have open. */
const laneFilled = z.object({ type: z.literal('lane_filled'), device_id: z.string() });

/** The news that an operator has paused or resumed a lane; what is true is in the registry. */
const lanePauseChanged = z.object({ type: z.literal('lane_pause_changed'), device_id: z.string() });

/** Everything one process posts to another's mailbox. */
export const mailSchema = z.discriminatedUnion('type', [
  deviceCommand,
  commandResult,
  messageSettled,
  devicesReleased,
  laneFilled,
  lanePauseChanged,
]);
export type Mail = z.infer<typeof mailSchema>;
