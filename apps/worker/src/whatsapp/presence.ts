import { USyncQuery, USyncUser, type WASocket } from '@whiskeysockets/baileys';
import { answeredCode } from './answered-code.ts';

type Query = WASocket['executeUSyncQuery'];
type Presences = { jid: string; exists: boolean }[];

/** By these a server answers what it does not know how to answer. */
const NOT_SUPPORTED = new Set([400, 405, 501]);

/** Who is on WhatsApp, from its server; each answer undefined where there was none. */
export class Presence {
  readonly #query: Query;

  constructor(query: Query) {
    this.#query = query;
  }

  /** Baileys' `onWhatsApp` does not tell who is not there from whom the server said nothing of. */
  async ofNumber(jid: string): Promise<Presences | undefined> {
    const answer = await this.#askContacts([jid]).catch((error: unknown) => {
      if (NOT_SUPPORTED.has(answeredCode(error))) return { list: [] };
      throw error;
    });
    const told = answer?.list.filter(({ contact }) => typeof contact === 'boolean');
    if (told?.length === 0) return await this.ofLids([jid]);
    return told?.map(({ id, contact }) => ({ jid: id, exists: contact === true }));
  }

  /** The JIDs of those of several numbers that are there, as the server told them. */
  async ofNumbers(jids: readonly string[]): Promise<string[]> {
    const answer = await this.#askContacts(jids);
    return answer?.list.flatMap(({ id, contact }) => (contact === true ? [id] : [])) ?? [];
  }

  /** By the devices of LIDs, of which contacts cannot be asked, or of a number of which the server named no contact. */
  async ofLids(jids: readonly string[]): Promise<Presences | undefined> {
    const query = new USyncQuery().withContext('message').withDeviceProtocol();
    for (const jid of jids) query.withUser(new USyncUser().withId(jid));
    const answer = await this.#query(query);
    return answer?.list.map(({ id, devices }) => {
      const list: unknown = typeof devices === 'object' && devices !== null ? Reflect.get(devices, 'deviceList') : [];
      return { jid: id, exists: Array.isArray(list) && list.length > 0 };
    });
  }

  #askContacts(jids: readonly string[]) {
    const query = new USyncQuery().withContactProtocol();
    for (const jid of jids) query.withUser(new USyncUser().withPhone(`+${jid.slice(0, jid.indexOf('@'))}`));
    return this.#query(query);
  }
}
