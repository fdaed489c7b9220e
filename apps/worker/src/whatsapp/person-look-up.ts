import type { DeviceKeys } from '@postern/registry';
import { monotonicMs } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { BoundedCache } from './bounded-cache.ts';
import type { OwnedWriter } from './credentials/owned-writer.ts';
import { GatheredQuestions } from './gathered-questions.ts';
import { lookUpFailure } from './look-up-failure.ts';

const FOUND_TTL_MS = 12 * 60 * 60 * 1000;
const NOBODY_TTL_MS = 10 * 1000;
/** How long what Redis told is believed without asking it again. */
const CACHED_MS = 10 * 60 * 1000;
const CACHED_PEOPLE = 10_000;
const NOBODY = '-';

/** Asks who is on WhatsApp under a JID; undefined when there was no answer. */
export type Ask = (jid: string) => Promise<{ jid: string; exists: boolean }[] | undefined>;

export interface PersonLookUpOptions {
  ask: Ask;
  /** Asks the same of several; answers the JIDs that somebody is there under. */
  askTogether: (jids: string[]) => Promise<string[]>;
  store: { redis: Redis; device: DeviceKeys; writer: OwnedWriter };
}

/**
 * Under which JID WhatsApp knows a number (it may differ from the number asked for), remembered for 12 hours; that
 * nobody is there, for 10 seconds. Of a question about several numbers only what names the very number is believed:
 * a number that it leaves out, or knows under another, is asked for alone.
 */
export class PersonLookUp {
  readonly #options: PersonLookUpOptions;
  readonly #cache = new BoundedCache<{ found: string; until: number }>(CACHED_PEOPLE);
  readonly #questions = new GatheredQuestions<string>({
    together: (jids) => this.#askTogether(jids),
    alone: (jid) => this.#askAlone(jid),
  });

  constructor(options: PersonLookUpOptions) {
    this.#options = options;
  }

  /** Undefined when nobody is there. Throws a retryable SEND_FAILED when WhatsApp did not answer. */
  async find(jid: string): Promise<string | undefined> {
    const known = await this.#recall(jid);
    if (known !== null) return known === NOBODY ? undefined : known;
    return await this.#questions.ask(jid);
  }

  /** Finds many, without a word on those that it cannot find. */
  async learn(jids: readonly string[]): Promise<string[]> {
    const known = await Promise.all(jids.map((jid) => this.#recall(jid)));
    const told = await this.#questions.learn(jids.filter((_, index) => known[index] === null));
    return [...known.flatMap((found) => (found === null || found === NOBODY ? [] : [found])), ...told.values()];
  }

  /** What is remembered of this JID; null: nothing. */
  async #recall(jid: string): Promise<string | null> {
    const cached = this.#cache.get(jid);
    if (cached && cached.until > monotonicMs()) return cached.found;
    const { redis, device } = this.#options.store;
    const stored = await redis.get(device.lookup(jid));
    if (stored !== null && stored !== NOBODY) this.#cache.set(jid, { found: stored, until: monotonicMs() + CACHED_MS });
    return stored;
  }

  async #askTogether(jids: string[]): Promise<ReadonlyMap<string, string>> {
    const there = new Set(await this.#options.askTogether(jids));
    const found = jids.filter((jid) => there.has(jid));
    await this.#remember(found.map((jid) => [jid, jid]));
    return new Map(found.map((jid) => [jid, jid]));
  }

  async #askAlone(jid: string): Promise<string | undefined> {
    const answer = await this.#options.ask(jid).catch((error: unknown) => {
      throw lookUpFailure('the number', error);
    });
    if (answer === undefined) throw lookUpFailure('the number');
    const found = answer.find(({ exists }) => exists)?.jid;
    await this.#remember([[jid, found]]);
    return found;
  }

  async #remember(answers: (readonly [asked: string, found: string | undefined])[]): Promise<void> {
    const { device, writer } = this.#options.store;
    if (answers.length === 0) return;
    await writer.write(
      answers.map(([asked, found]) => ({
        command: 'SET' as const,
        key: device.lookup(asked),
        value: found ?? NOBODY,
        ttlMs: found === undefined ? NOBODY_TTL_MS : FOUND_TTL_MS,
      })),
    );
  }
}
