import {
  delay,
  Gauge,
  Histogram,
  type Logger,
  monotonicMs,
  type ReadinessCheck,
  type Registry,
  within,
} from '@postern/runtime';
import type { Redis } from 'ioredis';
import { readRedisFacts, UNKNOWN_FACTS } from './redis-facts.ts';
import { findRedisProblems, REDIS_PROBLEMS, type RedisDemands, type RedisProblem } from './redis-problems.ts';
import type { WriteProbe } from './write-probe.ts';

export interface ObserveRedisOptions {
  /** The connection that the process works with. */
  redis: Redis;
  probe: WriteProbe;
  demands: RedisDemands;
  registry: Registry;
  logger: Logger;
}

export interface RedisObserver {
  /** Not ready while Redis may delete what was accepted. */
  settingsCheck: ReadinessCheck;
  /** Why nothing may be accepted now; undefined while there is no reason. */
  findRefusal(): { problem: RedisProblem; message: string } | undefined;
  stop(): Promise<void>;
}

const INTERVAL_MS = 5_000;
const PATIENCE_MS = 2_000;

/**
 * Asks Redis every few seconds whether it takes writes, how fast it answers, how full it is and how it is set up; of a
 * cluster, its fullest and its worst node. Resolves after the first look. What it does not tell is NaN, and no problem.
 */
export async function observeRedis(options: ObserveRedisOptions): Promise<RedisObserver> {
  const { redis, probe, demands, logger } = options;
  const gauges = createGauges(options.registry);
  const stopping = new AbortController();
  /** While Redis is silent, as it was. */
  let problems = findRedisProblems(UNKNOWN_FACTS, demands);
  let isTelling = true;
  let wasRefused = false;

  const answering = <T>(question: Promise<T>) =>
    within(question, PATIENCE_MS, () => new Error('no answer'), stopping.signal);
  const readFacts = async () => {
    try {
      const facts = await answering(readRedisFacts(redis));
      isTelling = true;
      return facts;
    } catch (error) {
      if (isTelling && !stopping.signal.aborted) logger.warn({ err: error }, 'redis does not tell how it is set up');
      isTelling = false;
      return UNKNOWN_FACTS;
    }
  };
  /** Says once that Redis refuses writes, and why. */
  const onRefused = (error: unknown) => {
    if (!wasRefused && !stopping.signal.aborted) logger.warn({ err: error }, 'redis takes no writes');
    wasRefused = true;
    return false;
  };
  const look = async () => {
    const startedMs = monotonicMs();
    const isAnswering = await succeeds(answering(redis.ping()));
    if (isAnswering) gauges.seconds.observe((monotonicMs() - startedMs) / 1000);
    const isUp = isAnswering && (await answering(probe()).then(() => true, onRefused));
    if (isUp && wasRefused) logger.info('redis takes writes again');
    if (isUp) wasRefused = false;
    gauges.up.set(isUp ? 1 : 0);
    const facts = isAnswering ? await readFacts() : undefined;
    const found = facts ? findRedisProblems(facts, demands) : problems;
    report(problems, found, logger);
    problems = found;
    for (const problem of REDIS_PROBLEMS) {
      gauges.problem.set({ problem }, isTelling ? Number(found[problem] !== undefined) : Number.NaN);
    }
    gauges.used.set(facts?.usedBytes ?? Number.NaN);
    gauges.limit.set(facts?.limitBytes ?? Number.NaN);
  };
  const repeat = async () => {
    while (!stopping.signal.aborted) {
      await delay(INTERVAL_MS, stopping.signal).catch(() => {});
      if (!stopping.signal.aborted) await look();
    }
  };
  await look();
  const observing = repeat();
  return {
    settingsCheck: { name: 'redis settings', findProblem: () => problems.evicting },
    findRefusal() {
      for (const problem of ['evicting', 'high_water'] as const) {
        const message = problems[problem];
        if (message !== undefined) return { problem, message };
      }
      return undefined;
    },
    stop() {
      stopping.abort();
      return observing;
    },
  };
}

function createGauges(registry: Registry) {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  return {
    up: gauge('postern_redis_up', 'Whether Redis takes writes of this process (1) or not (0)'),
    seconds: new Histogram({
      name: 'postern_redis_ping_seconds',
      help: 'Time of a PING on the connection that this process works with, every 5 s',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2],
      registers,
    }),
    problem: new Gauge({
      name: 'postern_redis_problem',
      help: 'Whether Redis has this problem (1) or not (0)',
      labelNames: ['problem'],
      registers,
    }),
    used: gauge('postern_redis_memory_bytes', 'Memory that Redis uses; of a cluster, its fullest node'),
    limit: gauge('postern_redis_memory_limit_bytes', 'maxmemory of that Redis, or its machine’s memory without one'),
  };
}

type Problems = Record<RedisProblem, string | undefined>;

/** Says once what has begun and what is over. */
function report(before: Problems, now: Problems, logger: Logger): void {
  for (const problem of REDIS_PROBLEMS) {
    const reason = now[problem];
    if (reason !== undefined && before[problem] === undefined) {
      logger[problem === 'evicting' ? 'error' : 'warn']({ problem, reason }, 'redis has a problem');
    }
    if (reason === undefined && before[problem] !== undefined) logger.info({ problem }, 'a problem of redis is over');
  }
}

const succeeds = (question: Promise<unknown>) =>
  question.then(
    () => true,
    () => false,
  );
