import type { BinaryNode } from '@whiskeysockets/baileys';

const MAX_WAITING = 10_000;

/** What a linked device has not acknowledged yet, oldest first; it is sent again at the next login. Beyond 10,000 the
 * oldest is dropped. */
export class Outbox {
  readonly #waiting = new Map<string, BinaryNode>();

  get size(): number {
    return this.#waiting.size;
  }

  add(stanza: BinaryNode): void {
    const { tag, attrs } = stanza;
    this.#waiting.set(toKey(tag, attrs['from'], attrs), stanza);
    if (this.#waiting.size <= MAX_WAITING) return;
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined) this.#waiting.delete(oldest);
  }

  /** Takes a client's `<ack>` or `<receipt>`: what it answers needs no repetition. */
  settle({ tag, attrs }: BinaryNode): void {
    if (tag === 'ack') this.#waiting.delete(toKey(attrs['class'] ?? '', attrs['to'], attrs));
    else this.#waiting.delete(toKey('message', undefined, attrs));
  }

  /** Everything that waits, marked as offline so that the client knows it is late. */
  *late(): Generator<BinaryNode> {
    for (const { tag, attrs, content } of this.#waiting.values()) {
      yield { tag, attrs: { ...attrs, offline: '0' }, ...(content === undefined ? {} : { content }) };
    }
  }
}

/** A message is known by its id and group participant; anything else also by its origin and type. */
function toKey(tag: string, origin: string | undefined, attrs: BinaryNode['attrs']): string {
  const { id, participant = '', type = '' } = attrs;
  return tag === 'message' ? `m ${id} ${participant}` : `${tag} ${id} ${origin} ${participant} ${type}`;
}
