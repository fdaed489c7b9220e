export {
  CONNECTED_NEWS_MS,
  CONNECTION_STATES,
  type ConnectionState,
  type DeviceConnection,
  type DevicePace,
  type DeviceRecord,
  isDeviceId,
} from './device.ts';
export {
  FAILURES,
  Failure,
  type FailureCode,
  type FailureDetails,
  type FailureOptions,
  type FieldError,
  isFailureCode,
} from './failure.ts';
export { IMAGE_LIMITS, IMAGE_MIME_TYPES, type ImageMimeType, MAX_CAPTION_CODE_POINTS } from './limits.ts';
export { type CommandResult, type DeviceCommand, type DeviceCommandName, type Mail, mailSchema } from './mail.ts';
export { isMessageId, newMessageId } from './message-id.ts';
export { MESSAGE_NOTES, type MessageNote, messageNotes } from './message-notes.ts';
export {
  type FailureRecord,
  failureRecord,
  isMessageState,
  isSent,
  isSettled,
  MESSAGE_STATES,
  type MessageRecord,
  type MessageState,
} from './message-record.ts';
export { parseNumber, parseRecipient, type Recipient } from './recipient.ts';
export { DURATIONS_SECONDS, JOBS, type JobName, type SendImageJob, sendImageJob } from './send-image.ts';
