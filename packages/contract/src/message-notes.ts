import { z } from 'zod';

/** What can become of a picture besides the loss of its metadata; the API tells it in `notes`, in this order. */
export const MESSAGE_NOTES = [
  'first frame only',
  'one frame only',
  'turned',
  'reduced',
  're-encoded',
  'flattened on white',
  'converted to sRGB',
  'end of file added',
] as const;
export type MessageNote = (typeof MESSAGE_NOTES)[number];

/** Notes as they are stored and posted: another version may know more of them. */
export const messageNotes = z.array(z.string());
