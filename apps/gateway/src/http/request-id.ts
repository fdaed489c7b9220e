import { randomUUID } from 'node:crypto';

const VISIBLE_ASCII = /^[\x21-\x7e]{1,128}$/;

/** The caller's own request id when it is usable (1 to 128 visible ASCII characters), else a new one. */
export function toRequestId(header: string | undefined): string {
  return header !== undefined && VISIBLE_ASCII.test(header) ? header : randomUUID();
}
