import { randomInt } from 'node:crypto';
import { type Lifetime, withLifetime } from '@postern/runtime';
import { pino } from 'pino';
import type { Account } from './accounts/account.ts';
import { Directory } from './accounts/directory.ts';
import { LinkedDevice } from './accounts/linked-device.ts';
import { startControlServer } from './control/control-server.ts';
import { FaultBook } from './faults/fault-book.ts';
import { startMediaServer } from './media/media-server.ts';
import { issueCredentials } from './pairing/issued-credentials.ts';
import { PairingDesk } from './pairing/pairing-desk.ts';
import { MediaDownloads } from './phones/media-download.ts';
import { MediaUploads } from './phones/media-upload.ts';
import { Phone } from './phones/phone.ts';
import type { Simulator, SimulatorOptions, SimulatorStats } from './simulator-interface.ts';
import { createEncryptHandler } from './stanzas/encrypt-query.ts';
import { changeGroupMembers, changeGroupTimer } from './stanzas/group-changes.ts';
import { createGroupHandler } from './stanzas/group-query.ts';
import { createMediaHandler } from './stanzas/media-query.ts';
import { MessageIntake, type RelayedMessage } from './stanzas/message-intake.ts';
import { MessageRelay } from './stanzas/message-relay.ts';
import { QueryRouter } from './stanzas/query-router.ts';
import { answerMexQuery, setReachoutTimelock } from './stanzas/reachout-timelock.ts';
import { ReceiptRelay } from './stanzas/receipt-relay.ts';
import { RelayLog } from './stanzas/relay-log.ts';
import { Sessions, type SocketEvent } from './stanzas/sessions.ts';
import { settingsHandlers } from './stanzas/settings-queries.ts';
import { createUsyncHandler } from './stanzas/usync-query.ts';
import { createNoiseIdentity } from './wire/certificate-authority.ts';
import { readOrCreateNoiseIdentity } from './wire/kept-noise-identity.ts';
import { startWireServer } from './wire/web-socket-server.ts';

/** Starts a simulated WhatsApp on loopback: its WebSocket and media servers, without phones at first. */
export function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  return withLifetime((lifetime) => start(options, lifetime));
}

async function start(options: SimulatorOptions, lifetime: Lifetime): Promise<Simulator> {
  const { host = '127.0.0.1', logger = pino({ level: 'silent' }) } = options;
  const faults = new FaultBook(options.seed);
  const { mediaPort = 0, stateDirectory } = options;
  const identity =
    stateDirectory === undefined ? createNoiseIdentity() : await readOrCreateNoiseIdentity(stateDirectory);
  const kept = stateDirectory === undefined ? {} : { certificateDirectory: stateDirectory };
  const media = lifetime.use(await startMediaServer({ faults, host, port: mediaPort, ...kept }), (server) =>
    server.stop(),
  );
  const directory = new Directory();
  const log = new RelayLog();
  const relay = new MessageRelay(directory);
  const receipts = new ReceiptRelay(directory, log);
  const desk = new PairingDesk({ qrRefTtlMs: options.qrRefTtlMs ?? 160_000 });
  const downloads = lifetime.use(
    new MediaDownloads({ host: media.host, certificatePem: media.certificatePem, maxCachedBytes: 256 * 2 ** 20 }),
    (cache) => cache.stop(),
  );
  const uploads = lifetime.use(new MediaUploads(media), (sender) => sender.stop());

  const changeListeners = new Set<() => void>();
  const onChange = () => {
    for (const listener of changeListeners) listener();
  };
  const listeners = new Set<(message: RelayedMessage) => void>();
  const messages: SimulatorStats['messages'] = { acked: 0, unacked: 0, nacked: 0, lost: 0 };
  const onRelayed = (message: RelayedMessage) => {
    messages[message.outcome] += 1;
    for (const listener of listeners) listener(message);
  };
  const queries = new QueryRouter(
    faults,
    new Map([
      ...Object.entries(settingsHandlers),
      ['usync', createUsyncHandler(directory)],
      ['encrypt', createEncryptHandler(directory)],
      ['w:g2', createGroupHandler(directory)],
      ['w:m', createMediaHandler(media)],
      ['w:mex', answerMexQuery],
    ]),
  );
  const intake = new MessageIntake({ faults, relay, log, onRelayed });
  const socketListeners = new Set<(event: SocketEvent) => void>();
  const onSocket = (event: SocketEvent) => {
    for (const listener of socketListeners) listener(event);
  };
  const sessions = new Sessions({ directory, desk, faults, queries, messages: intake, receipts, onSocket, logger });
  const wire = lifetime.use(
    await startWireServer({
      host,
      port: options.port ?? 0,
      identity,
      faults,
      listener: sessions,
      rttMs: options.rttMs ?? 0,
      rewrite: options.rewrite ?? ((node) => node),
    }),
    (server) => server.stop(),
  );

  const phones = new Map<string, Phone>();
  const registered = (number: string): Account => {
    const account = directory.accountByNumber(number);
    if (!account) throw new Error('this number is not registered');
    return account;
  };
  const linkedDevice = (jid: string): LinkedDevice | undefined => {
    const device = directory.device(jid);
    return device instanceof LinkedDevice ? device : undefined;
  };
  const simulator: Simulator = {
    webSocketUrl: wire.url,
    controlUrl: undefined,
    noiseRootKey: identity.rootKey,
    mediaCertificatePath: media.certificatePath,
    mediaCertificatePem: media.certificatePem,
    faults,
    addPhone: ({ number, name = number, companions = 0, ...own }) => {
      if (!/^[1-9]\d{6,14}$/.test(number)) throw new Error('a phone number is 7 to 15 digits without a leading 0');
      if (phones.has(number)) throw new Error('this number is registered');
      const parts = { directory, desk, downloads, uploads, receipts, relay, log };
      const { autoReceipts = 'delivered', keep = 1_000 } = { ...options, ...own };
      const phone = new Phone(number, name, companions, { ...parts, autoReceipts, keep, onChange });
      directory.add(phone.account);
      phones.set(number, phone);
      onChange();
      return phone;
    },
    phone: (number) => phones.get(number),
    issueCredentials: (number) => issueCredentials(registered(number)),
    phones: () => [...phones.values()],
    addGroup: ({ subject, members, ephemeralSeconds = 0, addressing = 'lid' }) => {
      const unknown = members.find((number) => !phones.has(number));
      if (unknown !== undefined || members.length === 0) throw new Error('a group has registered members');
      const jid = `120363${String(randomInt(2 ** 40)).padStart(12, '0')}@g.us`;
      const group = { jid, subject, createdAt: Date.now(), addressing, ephemeralSeconds, members: new Set(members) };
      directory.groups.set(jid, group);
      onChange();
      return group;
    },
    groups: () => [...directory.groups.values()],
    setGroupTimer: (jid, seconds) => {
      changeGroupTimer(directory, jid, seconds);
      onChange();
    },
    setGroupMembers: (jid, members) => {
      changeGroupMembers(
        directory,
        jid,
        members.map((number) => registered(number).number),
      );
      onChange();
    },
    setReachoutTimelock: (number, until) => setReachoutTimelock(registered(number), until),
    connections: () => sessions.live(),
    closeDevice: (jid, code) => {
      const device = linkedDevice(jid);
      return device !== undefined && sessions.close(device, code);
    },
    unlink: (jid) => {
      const device = linkedDevice(jid);
      if (device) sessions.unlink(device);
      onChange();
      return device !== undefined;
    },
    onMessage: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onSocket: (listener) => {
      socketListeners.add(listener);
      return () => socketListeners.delete(listener);
    },
    onChange: (listener) => {
      changeListeners.add(listener);
      return () => changeListeners.delete(listener);
    },
    stats: () => ({
      connections: sessions.live().length,
      logins: sessions.logins,
      queries: queries.asked(),
      messages: { ...messages },
      media: media.stats(),
    }),
    stop: () => lifetime.stop(),
  };
  if (options.controlPort !== undefined) {
    const control = lifetime.use(await startControlServer(simulator, options.controlPort), (server) => server.stop());
    simulator.controlUrl = control.url;
  }
  return simulator;
}
