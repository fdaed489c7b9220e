import { randomUUID } from 'node:crypto';

const PRINTABLE_ASCII = /^[\x20-\x7e]{1,255}$/;

/** The caller's own request id when it is usable (1 to 255 printable ASCII characters), else a new one. */
export function toRequestId(header: string | undefined): string {
  return header !== undefined && PRINTABLE_ASCII.test(header) ? header : randomUUID();
}
