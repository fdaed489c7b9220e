import { Failure } from '@postern/contract';
import type { Request } from 'express';

/** Request fields by name, as they were sent: text from forms, lists where a name was repeated, anything from JSON. */
export type Fields = ReadonlyMap<string, unknown>;

/** The most fields of a form: every mention may be one of its own. */
export const MAX_FORM_FIELDS = 320;

/** The media type of the body in lower case, without parameters; empty when none is named. */
export function mediaType(request: Request): string {
  return (request.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/**
 * The fields of a JSON object or a urlencoded form; none for an empty body.
 * Throws VALIDATION_ERROR for anything else.
 */
export function toFields(request: Request, body: string): Fields {
  if (body === '') return new Map();
  switch (mediaType(request)) {
    case 'application/json':
      return fromJson(body);
    case 'application/x-www-form-urlencoded':
      return fromForm(body);
    default:
      throw Failure.field('Content-Type', 'expected application/json or application/x-www-form-urlencoded');
  }
}

function fromJson(body: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // The parser's own message quotes the body.
    throw new Failure('VALIDATION_ERROR', 'The body is not valid JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Failure('VALIDATION_ERROR', 'Expected a JSON object');
  }
  return new Map(Object.entries(value));
}

function fromForm(body: string): Fields {
  const fields = new Map<string, unknown>();
  let count = 0;
  for (const [name, value] of new URLSearchParams(body)) {
    count += 1;
    if (count > MAX_FORM_FIELDS) throw Failure.field('form', `has more than ${MAX_FORM_FIELDS} fields`);
    addField(fields, name, value);
  }
  return fields;
}

/** Adds what was sent under a name, as a list where the name comes again. */
export function addField(fields: Map<string, unknown>, name: string, value: string): void {
  const known = fields.get(name);
  if (known === undefined) fields.set(name, value);
  else if (Array.isArray(known)) known.push(value);
  else fields.set(name, [known, value]);
}
