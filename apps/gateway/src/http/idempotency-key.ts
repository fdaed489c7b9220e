import { Failure } from '@postern/contract';

const VISIBLE_ASCII = /^[\x21-\x7e]{1,255}$/;

/** The `Idempotency-Key` header; undefined without one. Throws VALIDATION_ERROR for anything but 1 to 255 visible ASCII. */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || VISIBLE_ASCII.test(header)) return header;
  throw Failure.field('Idempotency-Key', `expected 1 to 255 visible ASCII characters, got ${describe(header)}`);
}

function describe(header: string): string {
  if (header === '') return 'nothing';
  return header.length > 255 ? `${header.length} characters` : 'others, a space, or the header more than once';
}
