import { Failure, type Recipient } from '@postern/contract';
import { within } from '@postern/runtime';
import { type GroupMetadata, USyncQuery, USyncUser, type WASocket } from '@whiskeysockets/baileys';
import { answeredCode } from './answered-code.ts';
import type { DeviceLists, DeviceQueries } from './device-lists.ts';
import type { Groups } from './groups.ts';
import { lookUpFailure } from './look-up-failure.ts';
import type { Own } from './own.ts';
import { type Ask, lookUpPerson } from './person-look-up.ts';
import type { SessionStore } from './session-store.ts';
import type { Route } from './whatsapp.ts';

export interface RecipientsOptions {
  sock: WASocket;
  own: () => Own;
  store: SessionStore;
  devices: DeviceLists;
  groups: Groups;
  signal: AbortSignal;
  queryTimeoutMs: number;
}

/** Each look-up asks for at most existence or metadata, devices and keys, one after the other. */
const QUERIES_PER_LOOK_UP = 3;

/** By these a server answers what it does not know how to answer. */
const NOT_SUPPORTED = new Set([400, 405, 501]);

/** Where messages go, and everything that must be known before one is relayed there. */
export class Recipients {
  readonly #options: RecipientsOptions;

  constructor(options: RecipientsOptions) {
    this.#options = options;
  }

  /** Throws INVALID_JID when nobody is there or we are not in that group, a retryable SEND_FAILED when nobody told. */
  async lookUp(recipient: Recipient): Promise<Route> {
    const { store } = this.#options;
    if (recipient.kind === 'group') {
      const metadata = await this.#bounded(this.#prepareGroup(recipient.jid), 'the group');
      return { recipient, jid: recipient.jid, ephemeralSeconds: metadata.ephemeralDuration || undefined };
    }
    const ask = recipient.kind === 'lid' ? this.#hasDevices : this.#isOnWhatsApp;
    const jid = await this.#bounded(lookUpPerson(recipient.jid, ask, store), 'the number');
    if (jid === undefined) throw new Failure('INVALID_JID', 'This recipient is not on WhatsApp');
    await this.#bounded(this.#preparePerson(jid), 'devices');
    return { recipient, jid, ephemeralSeconds: await store.timers.find(jid) };
  }

  /** Knows the devices and has the keys of everyone in the chat afterwards; asks only for what is not known yet. */
  async prepare({ recipient, jid }: Route): Promise<void> {
    const preparing: Promise<unknown> = recipient.kind === 'group' ? this.#prepareGroup(jid) : this.#preparePerson(jid);
    await this.#bounded(preparing, 'devices');
  }

  /** What is known of a chat may be out of date. */
  forget(chat: string): void {
    const { groups, devices } = this.#options;
    for (const { id } of groups.find(chat)?.participants ?? []) devices.forget(id);
    groups.forget(chat);
    devices.forget(chat);
  }

  async #prepareGroup(jid: string): Promise<GroupMetadata> {
    const { sock, groups, devices } = this.#options;
    const own = this.#options.own();
    const metadata = await groups.get(jid, sock.groupMetadata, own);
    const participants = metadata.participants.map(({ id }) => id);
    await devices.ensure(this.#queries(), participants);
    return metadata;
  }

  async #preparePerson(jid: string): Promise<void> {
    const { devices } = this.#options;
    const { jid: number, lid } = this.#options.own();
    // As Baileys chooses: our own devices are addressed like the chat, where that is known.
    const own = jid.endsWith('@lid') && lid ? lid : number;
    await devices.ensure(this.#queries(), [jid, withoutDevice(own)], jid);
    if (devices.hasDevices(jid)) return;
    devices.forget(jid);
    throw lookUpFailure('devices');
  }

  #queries(): DeviceQueries {
    const { sock } = this.#options;
    return {
      getUSyncDevices: sock.getUSyncDevices,
      assertSessions: sock.assertSessions,
      validateSession: (jid) => sock.signalRepository.validateSession(jid),
    };
  }

  /** Baileys' `onWhatsApp` does not tell who is not there from whom the server said nothing of. */
  readonly #isOnWhatsApp: Ask = async (jid) => {
    const phone = `+${jid.slice(0, jid.indexOf('@'))}`;
    const query = new USyncQuery().withContactProtocol().withUser(new USyncUser().withPhone(phone));
    const answer = await this.#options.sock.executeUSyncQuery(query).catch((error: unknown) => {
      if (NOT_SUPPORTED.has(answeredCode(error))) return { list: [] };
      throw error;
    });
    const told = answer?.list.filter(({ contact }) => typeof contact === 'boolean');
    if (told?.length === 0) return await this.#hasDevices(jid);
    return told?.map(({ id, contact }) => ({ jid: id, exists: contact === true }));
  };

  /** Asks for the devices of a LID, of which contacts cannot be asked, or of whom the server named no contact. */
  readonly #hasDevices: Ask = async (jid) => {
    const query = new USyncQuery().withContext('message').withDeviceProtocol().withUser(new USyncUser().withId(jid));
    const answer = await this.#options.sock.executeUSyncQuery(query);
    return answer?.list.map(({ id, devices }) => {
      const list: unknown = typeof devices === 'object' && devices !== null ? Reflect.get(devices, 'deviceList') : [];
      return { jid: id, exists: Array.isArray(list) && list.length > 0 };
    });
  };

  #bounded<T>(work: Promise<T>, what: string): Promise<T> {
    const { signal, queryTimeoutMs } = this.#options;
    return within(work, QUERIES_PER_LOOK_UP * queryTimeoutMs, () => lookUpFailure(what), signal);
  }
}

function withoutDevice(jid: string): string {
  return jid.replace(/:\d+@/, '@');
}
