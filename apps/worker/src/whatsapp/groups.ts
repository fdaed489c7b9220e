import { Failure } from '@postern/contract';
import { areJidsSameUser, type GroupMetadata, isLidUser } from '@whiskeysockets/baileys';
import { answeredCode } from './answered-code.ts';
import { BoundedCache } from './bounded-cache.ts';
import { lookUpFailure } from './look-up-failure.ts';
import type { Own } from './own.ts';

/** Not every server tells its members of changes; a burst asks once. */
const FRESH_MS = 10_000;
const CACHED_GROUPS = 500;

/** What WhatsApp answers when we are not, or no longer, in a group, or there is none. */
const NOT_THERE = new Set([401, 403, 404, 406, 410]);

/** Groups as WhatsApp described them last; Baileys relays by the same memory. */
export class Groups {
  readonly #known = new BoundedCache<{ metadata: GroupMetadata; freshUntil: number }>(CACHED_GROUPS);
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** As it is now, give or take some seconds. Throws INVALID_JID when we are not a member, a retryable SEND_FAILED when WhatsApp did not tell. */
  async get(jid: string, ask: (jid: string) => Promise<GroupMetadata>, own: Own): Promise<GroupMetadata> {
    const known = this.#known.get(jid);
    if (known && known.freshUntil > this.#now()) return known.metadata;
    const metadata = await ask(jid).catch((error: unknown) => {
      throw NOT_THERE.has(answeredCode(error)) ? notAMember(error) : lookUpFailure('the group', error);
    });
    if (!isMember(metadata, own)) throw notAMember();
    this.#known.set(jid, { metadata, freshUntil: this.#now() + FRESH_MS });
    return metadata;
  }

  /** As it was when it was got last. */
  find(jid: string): GroupMetadata | undefined {
    return this.#known.get(jid)?.metadata;
  }

  forget(jid: string): void {
    this.#known.delete(jid);
  }
}

/** Whether we are in the group, as far as its description can tell: not when it names members by LIDs alone and ours is unknown. */
function isMember({ participants }: GroupMetadata, own: Own): boolean {
  const isOurs = (jid: string | undefined) =>
    jid !== undefined && [own.jid, own.lid].some((mine) => mine !== undefined && areJidsSameUser(mine, jid));
  return participants.some(
    ({ id, lid, phoneNumber }) =>
      [id, lid, phoneNumber].some(isOurs) || (own.lid === undefined && isLidUser(id) && phoneNumber === undefined),
  );
}

function notAMember(cause?: unknown): Failure {
  return new Failure('INVALID_JID', 'This account is not in that group', { ...(cause !== undefined && { cause }) });
}
