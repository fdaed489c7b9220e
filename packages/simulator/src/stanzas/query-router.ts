import type { BinaryNode } from '@whiskeysockets/baileys';
import { deviceJid } from '../accounts/device.ts';
import type { LinkedDevice } from '../accounts/linked-device.ts';
import type { FaultBook } from '../faults/fault-book.ts';
import { QueryError, type QueryHandler, toErrorResult, toResult } from './query.ts';

/** Answers queries by their namespace; faults may leave one unanswered or fail it. */
export class QueryRouter {
  readonly #faults: Pick<FaultBook, 'take'>;
  readonly #handlers: ReadonlyMap<string, QueryHandler>;
  readonly #asked = new Map<string, number>();

  constructor(faults: Pick<FaultBook, 'take'>, handlers: ReadonlyMap<string, QueryHandler>) {
    this.#faults = faults;
    this.#handlers = handlers;
  }

  /** How many queries came, by namespace. */
  asked(): Record<string, number> {
    return Object.fromEntries(this.#asked);
  }

  /** The answer to write, or undefined for none. */
  answer(device: LinkedDevice, query: BinaryNode): BinaryNode | undefined {
    const { type, xmlns = '', to } = query.attrs;
    if (type !== 'get' && type !== 'set') return undefined;
    this.#asked.set(xmlns, (this.#asked.get(xmlns) ?? 0) + 1);
    const occasion = { device: deviceJid(device), xmlns, to };
    if (this.#faults.take('iq_silence', occasion)) return undefined;
    const fault = this.#faults.take('iq_error', occasion);
    if (fault) return toErrorResult(query, fault.error ?? 500, 'internal-server-error');
    const handler = this.#handlers.get(xmlns);
    if (!handler) return toErrorResult(query, 501, 'feature-not-implemented');
    try {
      return toResult(query, handler(device, query));
    } catch (error) {
      if (error instanceof QueryError) return toErrorResult(query, error.code, error.message);
      throw error;
    }
  }
}
