import { type BinaryNode, S_WHATSAPP_NET } from '@whiskeysockets/baileys';
import type { LinkedDevice } from '../accounts/linked-device.ts';

/** Answers one query of a logged-in device with the content of the result, or throws a QueryError. */
export type QueryHandler = (device: LinkedDevice, query: BinaryNode) => BinaryNode[];

/** A query's refusal, as its `<error code text/>`. */
export class QueryError extends Error {
  override name = 'QueryError';
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

export function toResult({ attrs }: BinaryNode, content: BinaryNode[]): BinaryNode {
  const result: BinaryNode = {
    tag: 'iq',
    attrs: { from: attrs['to'] ?? S_WHATSAPP_NET, type: 'result', id: attrs['id'] ?? '' },
  };
  if (content.length > 0) result.content = content;
  return result;
}

export function toErrorResult({ attrs }: BinaryNode, code: number, text: string): BinaryNode {
  return {
    tag: 'iq',
    attrs: { from: attrs['to'] ?? S_WHATSAPP_NET, type: 'error', id: attrs['id'] ?? '' },
    content: [{ tag: 'error', attrs: { code: String(code), text } }],
  };
}
