import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren, S_WHATSAPP_NET } from '@whiskeysockets/baileys';

/** Where to upload to, and with what right. */
export interface MediaHosts {
  hosts: string[];
  /** Empty when none was given. */
  auth: string;
}

/**
 * WhatsApp's answer to "which media servers may I use", asked again when it has expired. Baileys keeps the promise of a
 * failed question for ever, after which every upload of that socket fails; here a failure is forgotten at once.
 */
export class MediaConnection {
  readonly #query: (node: BinaryNode) => Promise<BinaryNode | undefined>;
  #current: { answer: Promise<MediaHosts>; until: number } | undefined;

  constructor(query: (node: BinaryNode) => Promise<BinaryNode | undefined>) {
    this.#query = query;
  }

  /** `fresh` asks again even if the last answer has not expired. */
  get(fresh = false): Promise<MediaHosts> {
    if (!fresh && this.#current && this.#current.until > Date.now()) return this.#current.answer;
    const current = {
      answer: this.#ask((ttlMs) => (current.until = Date.now() + ttlMs)),
      until: Number.POSITIVE_INFINITY,
    };
    this.#current = current;
    current.answer.catch(() => {
      if (this.#current === current) this.#current = undefined;
    });
    return current.answer;
  }

  async #ask(validFor: (ttlMs: number) => void): Promise<MediaHosts> {
    const answer = await this.#query({
      tag: 'iq',
      attrs: { type: 'set', xmlns: 'w:m', to: S_WHATSAPP_NET },
      content: [{ tag: 'media_conn', attrs: {} }],
    });
    const node = getBinaryNodeChild(answer, 'media_conn');
    const auth = node?.attrs['auth'] ?? '';
    const hosts = getBinaryNodeChildren(node, 'host').flatMap(({ attrs }) => attrs['hostname'] ?? []);
    if (hosts.length === 0) throw new Error('WhatsApp named no media servers');
    validFor(Number(node?.attrs['ttl'] ?? 60) * 1000);
    return { hosts, auth };
  }
}
