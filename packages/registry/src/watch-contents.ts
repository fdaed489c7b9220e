import { randomUUID } from 'node:crypto';
import { Counter, delay, type Logger, type ReadinessCheck, type Registry } from '@postern/runtime';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';

/** What Redis may have forgotten: everything, a device whose socket is open, a message that was accepted. */
const FORGETTABLE = ['contents', 'device', 'message'] as const;
type Forgettable = (typeof FORGETTABLE)[number];

export interface ContentsWatchOptions {
  registry: Registry;
  logger: Logger;
  /** Called when Redis has lost what it held; not ready until it resolves. It is called again when it rejects. */
  onLost: () => Promise<void>;
}

export interface ContentsWatch {
  check: ReadinessCheck;
  /** Counts what was found to be forgotten. */
  count(what: Forgettable, howMany: number): void;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;

/**
 * Looks once a second whether Redis still holds what it held: a mark in it, made by whoever came first, is gone or another
 * one after a FLUSHALL, or when an empty Redis has taken its place.
 */
export async function watchContents(redis: Redis, keys: Keys, options: ContentsWatchOptions): Promise<ContentsWatch> {
  const { registry, logger, onLost } = options;
  const forgotten = new Counter({
    name: 'postern_redis_forgot_total',
    help: 'What Redis was found to have forgotten: all its contents, devices with open sockets, accepted messages',
    labelNames: ['what'] as const,
    registers: [registry],
  });
  // An alert sees an increase only of what was there before.
  for (const what of FORGETTABLE) forgotten.inc({ what }, 0);
  const stopping = new AbortController();
  let mark = await readMark(redis, keys);
  let problem: string | undefined;

  const look = async () => {
    if (problem === undefined && (await redis.get(keys.mark)) === mark) return;
    if (problem === undefined) {
      problem = 'Redis has lost what it held';
      forgotten.inc({ what: 'contents' });
      logger.error('redis has lost what it held: devices, messages and credentials are gone');
    }
    mark = await readMark(redis, keys);
    await onLost();
    problem = undefined;
  };
  const repeat = async () => {
    while (!stopping.signal.aborted) {
      await look().catch((error: unknown) => logger.debug({ err: error }, 'the mark in redis could not be read'));
      await delay(LOOK_EVERY_MS, stopping.signal).catch(() => {});
    }
  };
  const watching = repeat();
  return {
    check: { name: 'contents', findProblem: () => problem },
    count: (what, howMany) => forgotten.inc({ what }, howMany),
    stop() {
      stopping.abort();
      return watching;
    },
  };
}

async function readMark(redis: Redis, keys: Keys): Promise<string | null> {
  await redis.set(keys.mark, randomUUID(), 'NX');
  return redis.get(keys.mark);
}
