import { randomBytes } from 'node:crypto';

const MESSAGE_ID = /^3EB0[0-9A-F]{18}$/;

/** A new message id in the form Baileys gives its own: `3EB0` and 18 upper-case hex digits. */
export function newMessageId(): string {
  return `3EB0${randomBytes(9).toString('hex').toUpperCase()}`;
}

/** Whether the text has the form of an id that Postern hands out. */
export function isMessageId(text: string): boolean {
  return MESSAGE_ID.test(text);
}
