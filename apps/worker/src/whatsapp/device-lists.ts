import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  isHostedLidUser,
  isHostedPnUser,
  jidDecode,
  type SocketConfig,
} from '@whiskeysockets/baileys';
import { BoundedCache } from './bounded-cache.ts';
import { lookUpFailure } from './look-up-failure.ts';

type DevicesCache = NonNullable<SocketConfig['userDevicesCache']>;

/** The questions about devices that Baileys can ask. */
export interface DeviceQueries {
  getUSyncDevices(
    jids: string[],
    useCache: boolean,
    ignoreZeroDevices: boolean,
  ): Promise<{ user: string; jid: string }[]>;
  assertSessions(jids: string[], force?: boolean): Promise<boolean>;
  validateSession(jid: string): Promise<{ exists: boolean }>;
}

/** As long as Baileys' own cache keeps them: not every server tells of new devices. */
const TTL_MS = 5 * 60 * 1000;
const CACHED_USERS = 10_000;

/**
 * The devices of everyone we write to. When WhatsApp does not answer a question for devices, Baileys encrypts for none,
 * sends that, and gets an ack. So the lists are asked for here, before a message is relayed, and an unanswered question is a failure;
 * and while a message is being relayed Baileys' own cache, which this is, refuses to let it ask by itself.
 */
export class DeviceLists {
  readonly #lists = new BoundedCache<{ devices: unknown; until: number }>(CACHED_USERS);
  readonly #relaying = new AsyncLocalStorage<true>();
  readonly #answered = new BoundedCache<number>(CACHED_USERS);
  /** By LID: the user under whom a server answered that was asked by it. */
  readonly #toldAs = new BoundedCache<string>(CACHED_USERS);
  readonly #asking = new Map<string, Promise<void>>();
  readonly #now: () => number;
  #answers = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Takes a `usync` result node as it came: whose devices it told, be it none. */
  receive(node: BinaryNode): void {
    this.#answers += 1;
    const list = getBinaryNodeChild(getBinaryNodeChild(node, 'usync'), 'list');
    for (const told of getBinaryNodeChildren(list, 'user')) {
      const user = jidDecode(told.attrs['jid'])?.user;
      if (user === undefined || !getBinaryNodeChild(told, 'devices')) continue;
      const lid = jidDecode(getBinaryNodeChild(told, 'lid')?.attrs['val'])?.user ?? user;
      for (const name of [user, lid]) this.#answered.set(name, this.#answers);
      this.#toldAs.set(lid, user);
    }
  }

  /**
   * Knows the devices of all these users afterwards, and has Signal sessions with those of new ones: at least with some,
   * and with the `required` user for certain. Throws a retryable SEND_FAILED.
   */
  async ensure(queries: DeviceQueries, jids: readonly string[], required?: string): Promise<void> {
    // A note to oneself names one user twice; asked twice, each device would be told and written to twice as often.
    const unknown = [...new Set(jids)].filter((jid) => this.#find(userOf(jid)) === undefined);
    const fresh = unknown.filter((jid) => !this.#asking.has(userOf(jid)));
    if (fresh.length > 0) {
      const asking = this.#ask(queries, fresh, required).finally(() => {
        for (const jid of fresh) this.#asking.delete(userOf(jid));
      });
      for (const jid of fresh) this.#asking.set(userOf(jid), asking);
    }
    await Promise.all(unknown.flatMap((jid) => this.#asking.get(userOf(jid)) ?? []));
  }

  /**
   * Asks for the devices and keys of several users in one go; answers those of them that are known to have both now, and
   * leaves the others as unknown as they were. Throws when WhatsApp did not answer.
   */
  async learn(queries: DeviceQueries, jids: readonly string[]): Promise<ReadonlySet<string>> {
    const unknown = [...new Set(jids)].filter((jid) => this.#find(userOf(jid)) === undefined);
    if (unknown.length > 0) {
      const reachable = await this.#fetch(queries, unknown).catch((error: unknown) => {
        for (const jid of unknown) this.forget(jid);
        throw error;
      });
      for (const jid of unknown) if (!reachable.has(userOf(jid))) this.forget(jid);
    }
    return new Set(jids.filter((jid) => this.hasDevices(jid)));
  }

  /** Whether the user is known to have devices. */
  hasDevices(jid: string): boolean {
    const devices = this.#find(userOf(jid));
    return Array.isArray(devices) && devices.length > 0;
  }

  /** Runs a relay, in which a missing list is a failure. */
  relaying<T>(relay: () => Promise<T>): Promise<T> {
    return this.#relaying.run(true, relay);
  }

  forget(jid: string): void {
    this.#lists.delete(userOf(jid));
  }

  async #ask(queries: DeviceQueries, jids: string[], required: string | undefined): Promise<void> {
    const before = this.#answers;
    const devices = await queries.getUSyncDevices(jids, false, false).catch((error: unknown) => {
      throw lookUpFailure('devices', error);
    });
    // WhatsApp leaves out whom it does not know; an answer that tells of none of them is no answer to this question.
    const users = jids.map(userOf);
    const told = (user: string) => this.#find(user) !== undefined || (this.#answered.get(user) ?? 0) > before;
    if (!users.some(told)) throw lookUpFailure('devices');
    for (const user of users) {
      if (this.#find(user) === undefined) this.#store(user, this.#find(this.#toldAs.get(user) ?? user) ?? []);
    }
    try {
      await this.#ensureSessions(queries, devices, required);
    } catch (error) {
      for (const jid of jids) this.forget(jid);
      throw lookUpFailure('keys', error);
    }
  }

  async #fetch(queries: DeviceQueries, jids: string[]): Promise<ReadonlySet<string>> {
    const devices = await queries.getUSyncDevices(jids, false, false);
    return await this.#openSessions(queries, devices);
  }

  /** Whoever of these devices' users has a session with one of them now. */
  async #openSessions(queries: DeviceQueries, devices: { user: string; jid: string }[]): Promise<ReadonlySet<string>> {
    const reachable = new Set<string>();
    // Hosted devices are not in groups, and one without keys would fail the question for all.
    const keyed = devices.filter(({ jid }) => !isHostedPnUser(jid) && !isHostedLidUser(jid));
    if (keyed.length === 0) return reachable;
    await queries.assertSessions(keyed.map(({ jid }) => jid));
    for (const { user, jid } of keyed) {
      if (!reachable.has(user) && (await queries.validateSession(jid)).exists) reachable.add(user);
    }
    return reachable;
  }

  async #ensureSessions(
    queries: DeviceQueries,
    devices: { user: string; jid: string }[],
    required?: string,
  ): Promise<void> {
    if (devices.length === 0) return;
    const reachable = await this.#openSessions(queries, devices);
    const asked = required !== undefined && devices.some(({ user }) => user === userOf(required));
    if (asked ? !reachable.has(userOf(required)) : reachable.size === 0) throw new Error('no keys were given');
  }

  #find(user: string): unknown {
    const list = this.#lists.get(user);
    // What was known when a relay was prepared serves it.
    return list && (list.until > this.#now() || this.#relaying.getStore()) ? list.devices : undefined;
  }

  #store(user: string, devices: unknown): void {
    this.#lists.set(user, { devices, until: this.#now() + TTL_MS });
  }

  /** What Baileys reads and writes. */
  readonly cache: DevicesCache = {
    get: (user) => this.#find(user) as never,
    set: (user, devices) => this.#store(user, devices),
    del: (user) => void this.#lists.delete(user),
    flushAll: () => this.#lists.clear(),
    mget: async <T>(users: string[]) => {
      const found = users.map((user) => [user, this.#find(user) as T | undefined] as const);
      if (this.#relaying.getStore() && found.some(([, devices]) => devices === undefined))
        throw lookUpFailure('devices');
      return Object.fromEntries(found);
    },
    mset: (entries) => {
      for (const { key, value } of entries) this.#store(key, value);
    },
  };
}

function userOf(jid: string): string {
  return jidDecode(jid)?.user ?? jid;
}
