import {
  type BlobStoreAgreement,
  type ContentsWatch,
  createRedisRuns,
  type Keys,
  type RedisClock,
  watchContents,
} from '@postern/registry';
import type { Logger, Registry } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { RecentlyAccepted } from './acceptance/recently-accepted.ts';

export interface LossOptions {
  /** What all gateways have in common, here what signs QR links, too; written again when it is lost. */
  agreed: { secret: string; blobStoreAgreement: BlobStoreAgreement };
  redisClock: Pick<RedisClock, 'servedSince'>;
  /** How long records are kept, in milliseconds. */
  recordTtlMs: number;
  registry: Registry;
  logger: Logger;
}

/** A Redis that was restarted has forgotten nothing that it had for longer than this, in milliseconds. */
const FORGETS_AT_MOST_MS = 60_000;
const LOGGED_IDS = 100;

/** Tells, by log and metric, which messages that this gateway accepted Redis has forgotten: all of it, or its last moments. */
export async function startLossWatch(
  redis: Redis,
  keys: Keys,
  { agreed, redisClock, recordTtlMs, registry, logger }: LossOptions,
): Promise<ContentsWatch & { onAccepted: (messageId: string, deviceId: string) => void }> {
  const accepted = new RecentlyAccepted();
  const tell = async (wanted: (acceptedAt: number) => boolean) => {
    const isKept = (acceptedAt: number) => Date.now() - acceptedAt < recordTtlMs;
    const ids = await accepted.takeForgotten(redis, keys, (acceptedAt) => isKept(acceptedAt) && wanted(acceptedAt));
    if (ids.length === 0) return;
    watch.count('message', ids.length);
    logger.error({ count: ids.length, message_ids: ids.slice(0, LOGGED_IDS) }, 'redis has forgotten accepted messages');
  };
  const watch = await watchContents(redis, keys, {
    registry,
    logger,
    async onLost() {
      await redis.set(keys.secret, agreed.secret, 'NX');
      await agreed.blobStoreAgreement.verify();
      await tell(() => true);
    },
  });
  const runs = await createRedisRuns(redis);
  const onReady = async () => {
    if (await runs.haveChanged()) await tell((acceptedAt) => redisClock.servedSince(acceptedAt) <= FORGETS_AT_MOST_MS);
  };
  redis.on('ready', () => {
    onReady().catch((error: unknown) => logger.warn({ err: error }, 'what redis has forgotten could not be read'));
  });
  return { ...watch, onAccepted: (...message) => accepted.add(...message) };
}
