import { isLidUser, jidNormalizedUser, type SignalKeyStore } from '@whiskeysockets/baileys';
import { BoundedCache } from './bounded-cache.ts';

const REMEMBERED = 10_000;

/**
 * Notes that our privacy token was given to a contact. Baileys gives one with each message to a person unless it finds
 * the note, for which WhatsApp's period is a week; it writes the note itself, but into a transaction that has already
 * ended, so that every message costs one more question.
 */
export class PrivacyTokens {
  readonly #noted = new BoundedCache<true>(REMEMBERED);

  async note(jid: string, keys: SignalKeyStore, lidOf: (pn: string) => Promise<string | null>): Promise<void> {
    if (this.#noted.has(jid)) return;
    this.#noted.set(jid, true);
    const lid = isLidUser(jid) ? jid : await lidOf(jid);
    const id = lid ? jidNormalizedUser(lid) : jid;
    const { [id]: known } = await keys.get('tctoken', [id]);
    const senderTimestamp = Math.floor(Date.now() / 1000);
    await keys.set({ tctoken: { [id]: { token: Buffer.alloc(0), ...known, senderTimestamp } } });
  }
}
