import type { Recipient, SendImageJob } from '@postern/contract';
import type { Session } from '../whatsapp/whatsapp.ts';

export interface LookAheadOptions {
  /** The ids of the messages that come next, at most so many. */
  peekIds: (count: number) => Promise<string[]>;
  readJobs: (messageIds: string[]) => Promise<Pick<SendImageJob, 'recipient'>[]>;
  onError: (error: unknown) => void;
}

/** Messages beyond those in hand whose recipients are looked up early. */
const AHEAD = 64;
/** A message may leave the lane otherwise than through here, cancelled for instance. */
const MAX_EARLY = 16 * AHEAD;

/**
 * Looks up who the waiting messages go to, all of them together, while a message to somebody new is in hand: a question
 * takes a round trip to WhatsApp whether it is about one or about many. It costs nothing while everybody is known, and
 * changes no outcome: each message still looks its recipient up.
 */
export class LookAhead {
  readonly #options: LookAheadOptions;
  #session: Session | undefined;
  /** Waiting messages that were looked at. */
  #seen = new Set<string>();
  /** People looked up early whose message has not come yet. */
  readonly #early = new Set<string>();
  #running = false;
  #again = false;

  constructor(options: LookAheadOptions) {
    this.#options = options;
  }

  /** To be told of each message that is about to look its recipient up in this session. */
  notice({ recipient }: Pick<SendImageJob, 'recipient'>, session: Session): void {
    if (session !== this.#session) this.#forget(session);
    const isNew = this.#early.delete(recipient.jid) || (recipient.kind !== 'group' && !session.knows(recipient));
    if (!isNew) return;
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#again && this.#session && !this.#session.signal.aborted) {
        this.#again = false;
        await this.#look(this.#session);
      }
    } catch (error) {
      // What could not be learnt early is asked for by the message itself, which tells why it fails.
      if (!this.#session?.signal.aborted) this.#options.onError(error);
    } finally {
      this.#running = false;
    }
  }

  async #look(session: Session): Promise<void> {
    const next = await this.#options.peekIds(AHEAD);
    const fresh = next.filter((id) => !this.#seen.has(id));
    this.#seen = new Set(next);
    const people = new Map<string, Recipient>();
    for (const { recipient } of await this.#options.readJobs(fresh)) {
      if (recipient.kind === 'person' && !session.knows(recipient)) people.set(recipient.jid, recipient);
    }
    if (people.size === 0) return;
    if (this.#early.size > MAX_EARLY) this.#early.clear();
    for (const jid of people.keys()) this.#early.add(jid);
    await session.learn([...people.values()]);
  }

  #forget(session: Session): void {
    this.#session = session;
    this.#seen.clear();
    this.#early.clear();
  }
}
