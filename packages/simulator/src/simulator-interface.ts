import type { Logger } from '@postern/runtime';
import type { AuthenticationCreds, BinaryNode } from '@whiskeysockets/baileys';
import type { Addressing } from './accounts/device.ts';
import type { Group } from './accounts/group.ts';
import type { FaultBook } from './faults/fault-book.ts';
import type { AutoReceipts, Phone } from './phones/phone.ts';
import type { RelayedMessage } from './stanzas/message-intake.ts';
import type { LiveConnection, SocketEvent } from './stanzas/sessions.ts';

export interface SimulatorOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Of the WebSocket server. Default 0, a free one; so for the other ports. */
  port?: number;
  mediaPort?: number;
  /** Of the control API and the phones' page. Default: neither is served. */
  controlPort?: number;
  /** Where the root key and the media server's certificate are kept across restarts; phones and links are not.
   * Default: nowhere. */
  stateDirectory?: string;
  /** How long a client's QR codes can be scanned. Default 160 s, the time its six codes last. */
  qrRefTtlMs?: number;
  /** Which receipts phones send by themselves. Default `delivered`. */
  autoReceipts?: AutoReceipts;
  /** Delay of everything the server writes. Default 0. */
  rttMs?: number;
  /** What the server writes in place of each stanza, to see how clients take a server that words things differently.
   * Default: the stanza itself. */
  rewrite?: (node: BinaryNode) => BinaryNode;
  /** Messages kept per phone. Default 1,000. */
  keep?: number;
  /** Default: silent. */
  logger?: Logger;
  /** Of the faults' probabilities. */
  seed?: number;
}

export interface Simulator {
  webSocketUrl: string;
  /** 64 hex digits: what a client must trust instead of WhatsApp's root. */
  noiseRootKey: string;
  /** The phones' page, and the control API below it; undefined unless `controlPort` was given. */
  controlUrl: string | undefined;
  /** PEM file for NODE_EXTRA_CA_CERTS. */
  mediaCertificatePath: string;
  mediaCertificatePem: string;
  faults: FaultBook;
  /**
   * Registers a number. `companions`: further simulated devices that also decrypt. `autoReceipts`: if not as the others'.
   * Throws when it is registered.
   */
  addPhone(phone: { number: string; name?: string; companions?: number; autoReceipts?: AutoReceipts }): Phone;
  phone(number: string): Phone | undefined;
  /** Credentials of a new device linked to this registered number, without pairing. It has no one-time keys. */
  issueCredentials(number: string): AuthenticationCreds;
  phones(): Phone[];
  /** Numbers of registered phones; the first administers it. Chats by LID unless `addressing` says otherwise. */
  addGroup(group: { subject: string; members: string[]; ephemeralSeconds?: number; addressing?: Addressing }): Group;
  groups(): Group[];
  /** Sets a group's disappearing-message timer (0: off) and notifies its members' linked devices. */
  setGroupTimer(group: string, seconds: number): void;
  /** Adds and removes members of a group, and notifies the linked devices of all who were or are in it. */
  setGroupMembers(group: string, members: readonly string[]): void;
  /** Has the account's messages to people it has no chat with refused by 463 until then (Unix time in milliseconds; 0
   * lifts it), and tells its linked devices. */
  setReachoutTimelock(number: string, until: number): void;
  connections(): LiveConnection[];
  /** Ends a device's session by a stream error (440, 401, 503, …), or breaks its socket when no code is given. */
  closeDevice(device: string, code?: number): boolean;
  /** Removes a linked device; false when there is none of this JID. */
  unlink(device: string): boolean;
  /** Called for every message stanza a linked device sends; returns how to stop that. */
  onMessage(listener: (message: RelayedMessage) => void): () => void;
  /** Called when a linked device's socket has logged in or closed; returns how to stop that. */
  onSocket(listener: (event: SocketEvent) => void): () => void;
  /** Called after anything a phone's screen shows has changed; returns how to stop that. */
  onChange(listener: () => void): () => void;
  stats(): SimulatorStats;
  stop(): Promise<void>;
}

export interface SimulatorStats {
  connections: number;
  logins: number;
  /** Queries that linked devices asked, by namespace, answered or not. */
  queries: Record<string, number>;
  /** Message stanzas by what became of them. */
  messages: Record<RelayedMessage['outcome'], number>;
  media: { uploads: number; downloads: number; bytes: number };
}
