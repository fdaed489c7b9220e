export { readSigningSecret } from './agreements.ts';
export { type BlobStoreAgreement, createBlobStoreAgreement } from './blob-store-agreement.ts';
export { type ConnectOptions, connectRedis, disconnectRedis } from './connect.ts';
export { CONTENT_TTL_MS, hasContent } from './contents.ts';
export { readDeadlineClock, readUnsettled, removeDeadlines, type UnsettledMessage } from './deadlines.ts';
export { toDeviceRecord } from './device-record.ts';
export { createDevices, type Devices, toBareJid } from './devices.ts';
export { createFailedJobs, type FailedJobs } from './failed-jobs.ts';
export { type FencedWrite, LeaseLostError, writeFenced } from './fenced.ts';
export { HOLDS } from './holds.ts';
export {
  createIdempotencyClaims,
  type FoundClaim,
  type IdempotencyClaim,
  type IdempotencyClaims,
} from './idempotency-claims.ts';
export { createKeys, type DeviceKeys, type Keys } from './keys.ts';
export { createLanePauses, type LanePauses } from './lane-pauses.ts';
export {
  createLeases,
  type LastHolder,
  type Lease,
  type Leases,
  type Renewal,
  readLastHolder,
  readLastHolders,
  readOwner,
  toOwner,
  toVacancy,
  type Vacancy,
} from './leases.ts';
export { type MessageChange, toFailed, toFailureRecord, toSent } from './message-changes.ts';
export { announceMessage, CREATE_RECORD, toRecordArguments, toTtlMs } from './message-creation.ts';
export { createMessageLists, type MessageLists, type MessagePage, type RecentKind } from './message-lists.ts';
export { toMessageRecord, toStoredFailure } from './message-record.ts';
export { TRANSITION, toTransitionKeys } from './message-scripts.ts';
export { type AttemptAnswer, createMessages, type Messages, type Receipt } from './messages.ts';
export { observeRedis, type RedisObserver } from './observe-redis.ts';
export { createPacing, type Pacing } from './pacing.ts';
export { createPairingQrs, type PairingQr, type PairingQrs } from './pairing-qr.ts';
export { createQuarantine, type Quarantine } from './quarantine.ts';
export { createReachOutHolds, type ReachOutHolds } from './reach-out-holds.ts';
export { type RedisClock, startRedisClock } from './redis-clock.ts';
export type { RedisDemands } from './redis-problems.ts';
export { createRedisRuns, type RedisRuns } from './redis-runs.ts';
export { isRedisUrl } from './redis-url.ts';
export { toReplyCode } from './reply-code.ts';
export { scanKeys } from './scan-keys.ts';
export { createDrainingScript, createScript, setDraining } from './script.ts';
export { createSessions, type Sessions } from './sessions.ts';
export { giveBackToWindow, takeOfWindow } from './sliding-window.ts';
export { isUnreadable, skipUnreadable, UnreadableError } from './unreadable.ts';
export { type ContentsWatch, watchContents } from './watch-contents.ts';
export { createWorkers, type LiveWorkers, readOwners, WorkerIdTakenError, type Workers } from './workers.ts';
export { createRedisCheck, createWriteProbe, type WriteProbe } from './write-probe.ts';
