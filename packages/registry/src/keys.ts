/**
 * The name of every Redis key. All keys of one device share its hash tag, so that they live in one cluster slot and one
 * script may touch them together; global keys are touched one at a time.
 */
export interface Keys {
  prefix: string;
  /** Set of device ids. */
  devices: string;
  /** Set of ids of devices that are being removed. */
  removals: string;
  /** Hash: device JID or bare JID → device id. */
  jids: string;
  /** Sorted set: `<device>|<message id>` by the Unix milliseconds at which a queued message expires. */
  deadlines: string;
  /** Hash: device id → how many of the deadlines are its. The hash tag is the deadlines' whole key: one cluster slot. */
  unsettled: string;
  /** The random secret that signs QR links, shared by all gateways. */
  secret: string;
  /** The identity of the blob store that everyone must share. */
  blobStore: string;
  /** The random id of this installation, which its blob store remembers. */
  installation: string;
  /** Sorted set: worker id by the Unix milliseconds, on Redis' clock, until which it counts as alive. */
  workers: string;
  /** Hash: worker id → the process that lives under it, and whether a device of its is connected; in the slot of `workers`. */
  workerProcesses: string;
  /** A random value: when it is gone or another one, Redis has lost what it held. */
  mark: string;
  /** A value sealed with the STATE_ENCRYPTION_KEY that every worker must share. */
  stateKey: string;
  /** What a process writes to learn whether Redis takes writes. */
  probe(processId: string): string;
  /** Deleting it is the cheapest write, and one that a full Redis takes, too. */
  neverThere: string;
  /** Held while one worker lets a device go for another, so that one moves at a time. */
  rebalance: string;
  /** Message id → device id. */
  messageDevice(messageId: string): string;
  /** Held while one worker looks for messages without a job. */
  reconcile: string;
  /** What an idempotency key was used for, by the hash of its principal and itself. */
  idempotency(hash: string): string;
  /** There while a picture of this SHA-256 is in quarantine. */
  quarantined(sha256: string): string;
  /** The credential of a session of the pages, by the hash of its token. */
  session(hash: string): string;
  /** Sorted set: the requests of one caller within the rate limit's window. */
  rate(principal: string): string;
  /** Stream: what is posted to one process. */
  mailbox(processId: string): string;
  device(deviceId: string): DeviceKeys;
}

export interface DeviceKeys {
  /** BullMQ's prefix for this device's lane; the queue's name is `lane`. */
  lanePrefix: string;
  /** There while the owner has the lane open, so that a producer need not wake it. */
  laneOpen: string;
  /** When the lane was paused, in Unix milliseconds; there while it is. */
  lanePaused: string;
  /** Hash: Unix minute → how many messages settled in it; the last few minutes. */
  settledByMinute: string;
  record: string;
  lease: string;
  /** The token of the newest holder, which outlives the lease; see LastHolder. */
  lastHolder: string;
  /** The pairing QR while it is valid. */
  qr: string;
  /** Hash of credentials (`creds`). */
  credentials: string;
  /** Hash of Signal keys of one type. */
  signalKeys(type: string): string;
  message(messageId: string): string;
  /** Sorted set: the sends of the last pacing window. */
  pace: string;
  /** There while WhatsApp lets this account write to nobody new. */
  reachOutHold: string;
  /** Sorted set: JIDs of chats that were written to or wrote, by when. */
  knownChats: string;
  /** Sorted set: message id by when it was accepted. */
  messageIndex: string;
  /** Sorted set: id of a failed message by when it failed; the newest ones. */
  failures: string;
  /** Set of `<status>|<participant>`: who in a group sent which receipt. */
  receipts(messageId: string): string;
  /** The job of a failed message, while it can be sent again. */
  failedJob(messageId: string): string;
  /** Content of a message, sent or seen, for quotes and retry receipts. */
  content(messageId: string): string;
  /** Hash: chat JID → disappearing timer in seconds. */
  timers: string;
  /** Cached answers of WhatsApp's look-ups. */
  lookup(jid: string): string;
}

export function createKeys(prefix: string): Keys {
  return {
    prefix,
    devices: `${prefix}:devices`,
    removals: `${prefix}:removals`,
    jids: `${prefix}:jids`,
    deadlines: `${prefix}:deadlines`,
    unsettled: `{${prefix}:deadlines}:by-device`,
    secret: `${prefix}:secret`,
    blobStore: `${prefix}:blob-store`,
    installation: `${prefix}:installation`,
    workers: `${prefix}:workers`,
    workerProcesses: `{${prefix}:workers}:processes`,
    mark: `${prefix}:mark`,
    stateKey: `${prefix}:state-key`,
    probe: (processId) => `${prefix}:probe:${processId}`,
    neverThere: `${prefix}:never-there`,
    reconcile: `${prefix}:reconcile`,
    rebalance: `${prefix}:rebalance`,
    messageDevice: (messageId) => `${prefix}:message:${messageId}`,
    idempotency: (hash) => `${prefix}:idempotency:${hash}`,
    quarantined: (sha256) => `${prefix}:quarantine:${sha256}`,
    session: (hash) => `${prefix}:session:${hash}`,
    rate: (principal) => `${prefix}:rate:${encodeURIComponent(principal)}`,
    mailbox: (processId) => `${prefix}:mailbox:${processId}`,
    device: (deviceId) => {
      const own = `${prefix}:{${deviceId}}`;
      return {
        lanePrefix: own,
        laneOpen: `${own}:lane-open`,
        lanePaused: `${own}:lane-paused`,
        settledByMinute: `${own}:settled`,
        record: `${own}:device`,
        lease: `${own}:lease`,
        lastHolder: `${own}:last-holder`,
        qr: `${own}:qr`,
        credentials: `${own}:credentials`,
        signalKeys: (type) => `${own}:signal:${type}`,
        message: (messageId) => `${own}:message:${messageId}`,
        pace: `${own}:pace`,
        reachOutHold: `${own}:reach-out-hold`,
        knownChats: `${own}:known-chats`,
        messageIndex: `${own}:messages`,
        failures: `${own}:failures`,
        receipts: (messageId) => `${own}:receipts:${messageId}`,
        failedJob: (messageId) => `${own}:failed:${messageId}`,
        content: (messageId) => `${own}:content:${messageId}`,
        timers: `${own}:timers`,
        lookup: (jid) => `${own}:lookup:${jid}`,
      };
    },
  };
}
