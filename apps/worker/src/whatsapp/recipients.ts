import { Failure, type Recipient } from '@postern/contract';
import { type Clock, within } from '@postern/runtime';
import type { GroupMetadata, WASocket } from '@whiskeysockets/baileys';
import type { DeviceLists, DeviceQueries } from './device-lists.ts';
import { GatheredQuestions } from './gathered-questions.ts';
import type { Groups } from './groups.ts';
import { lookUpFailure } from './look-up-failure.ts';
import type { Own } from './own.ts';
import { PersonLookUp } from './person-look-up.ts';
import { Presence } from './presence.ts';
import type { SessionStore } from './session-store.ts';
import type { Route } from './whatsapp.ts';

export interface RecipientsOptions {
  sock: WASocket;
  own: () => Own;
  store: SessionStore;
  devices: DeviceLists;
  groups: Groups;
  signal: AbortSignal;
  clock: Clock;
  queryTimeoutMs: number;
}

/** Each look-up asks for at most existence or metadata, devices and keys, one after the other. */
const QUERIES_PER_LOOK_UP = 3;

/** Where messages go, and everything that must be known before one is relayed there. */
export class Recipients {
  readonly #options: RecipientsOptions;
  readonly #numbers: PersonLookUp;
  readonly #lids: PersonLookUp;
  readonly #devices = new GatheredQuestions<true>({
    together: (jids) => this.#preparePeople(jids),
    alone: async (jid) => {
      await this.#preparePerson(jid);
      return true;
    },
  });

  constructor(options: RecipientsOptions) {
    this.#options = options;
    const { sock, store } = options;
    const presence = new Presence((query) => sock.executeUSyncQuery(query));
    this.#numbers = new PersonLookUp({
      ask: (jid) => presence.ofNumber(jid),
      askTogether: (jids) => presence.ofNumbers(jids),
      store,
    });
    this.#lids = new PersonLookUp({
      ask: (jid) => presence.ofLids([jid]),
      askTogether: async (jids) =>
        ((await presence.ofLids(jids)) ?? []).flatMap(({ jid, exists }) => (exists ? [jid] : [])),
      store,
    });
  }

  /** Throws INVALID_JID when nobody is there or we are not in that group, a retryable SEND_FAILED when nobody told. */
  async lookUp(recipient: Recipient): Promise<Route> {
    const { store } = this.#options;
    if (recipient.kind === 'group') {
      const metadata = await this.#bounded(this.#prepareGroup(recipient.jid), 'the group');
      return { recipient, jid: recipient.jid, ephemeralSeconds: metadata.ephemeralDuration || undefined };
    }
    const people = recipient.kind === 'lid' ? this.#lids : this.#numbers;
    const jid = await this.#bounded(people.find(recipient.jid), 'the number');
    if (jid === undefined) throw new Failure('INVALID_JID', 'This recipient is not on WhatsApp');
    if (!this.#isReady(jid)) await this.#bounded(this.#devices.ask(jid), 'devices');
    return { recipient, jid, ephemeralSeconds: await store.timers.find(jid) };
  }

  /** Whether this number (digits) has WhatsApp. Throws a retryable SEND_FAILED when nobody told. */
  async isOnWhatsApp(phone: string): Promise<boolean> {
    return (await this.#bounded(this.#numbers.find(`${phone}@s.whatsapp.net`), 'the number')) !== undefined;
  }

  /** Whether a look-up would ask WhatsApp for nothing; a group is never said to be known. */
  knows({ kind, jid }: Recipient): boolean {
    return kind !== 'group' && this.#isReady(jid);
  }

  /**
   * Looks people up together, in as many questions as one person takes, so that their own look-ups find everything known.
   * Nobody is told of what fails: whoever is not known afterwards is asked for by the own look-up.
   */
  async learn(recipients: readonly Recipient[]): Promise<void> {
    const numbers = recipients.flatMap(({ kind, jid }) => (kind === 'person' ? [jid] : []));
    const found = await this.#bounded(this.#numbers.learn(numbers), 'numbers');
    await this.#bounded(this.#devices.learn(found.filter((jid) => !this.#isReady(jid))), 'devices');
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
    await devices.ensure(this.#queries(), [jid, this.#ownBeside(jid)], jid);
    if (devices.hasDevices(jid)) return;
    devices.forget(jid);
    throw lookUpFailure('devices');
  }

  async #preparePeople(jids: string[]): Promise<ReadonlyMap<string, true>> {
    const { devices } = this.#options;
    const ready = await devices.learn(this.#queries(), [...jids.map((jid) => this.#ownBeside(jid)), ...jids]);
    return new Map(jids.filter((jid) => ready.has(jid) && this.#isReady(jid)).map((jid) => [jid, true]));
  }

  /** Whether a message to this person could be relayed without a question. */
  #isReady(jid: string): boolean {
    return [jid, this.#ownBeside(jid)].every((each) => this.#options.devices.hasDevices(each));
  }

  /** As Baileys chooses: our own devices are addressed like the chat, where that is known. */
  #ownBeside(jid: string): string {
    const { jid: number, lid } = this.#options.own();
    return withoutDevice(jid.endsWith('@lid') && lid ? lid : number);
  }

  #queries(): DeviceQueries {
    const { sock } = this.#options;
    return {
      getUSyncDevices: sock.getUSyncDevices,
      assertSessions: sock.assertSessions,
      validateSession: (jid) => sock.signalRepository.validateSession(jid),
    };
  }

  #bounded<T>(work: Promise<T>, what: string): Promise<T> {
    const { signal, queryTimeoutMs, clock } = this.#options;
    return within(work, QUERIES_PER_LOOK_UP * queryTimeoutMs, () => lookUpFailure(what), signal, clock);
  }
}

function withoutDevice(jid: string): string {
  return jid.replace(/:\d+@/, '@');
}
