import { resolve } from 'node:path';
import { type BlobStoreConfig, blobStoreEnv, isCidr, parseBlobStoreConfig } from '@postern/media';
import { isRedisUrl, type RedisDemands } from '@postern/registry';
import { ConfigError, env, parseTracingConfig, readEnv, type TracingConfig, tracingEnv } from '@postern/runtime';
import { z } from 'zod';
import type { RateLimit } from './acceptance/rate-limit.ts';
import { type Credential, parseApiKeys, parseBasicUsers } from './auth/credentials.ts';

export interface GatewayConfig {
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** Where metrics and health are served. */
  metricsHost: string;
  /** 0 picks a free port. */
  metricsPort: number;
  redisUrl: string;
  redisPrefix: string;
  /** What is asked of Redis besides that it answers. */
  redisDemands: RedisDemands;
  /** The blob store that gateways and workers share. */
  blobs: BlobStoreConfig;
  /** How long a device may be offline before sends are refused at once. */
  deviceGraceMs: number;
  /** How long a POST waits for its message by default. */
  syncWaitMs: number;
  /** How many messages may wait in one lane. */
  laneLimit: number;
  /** How long a message may wait in its lane by default. */
  queueTtlMs: number;
  /** How long a record is kept after its message has ended. */
  recordTtlMs: number;
  /** How long an idempotency key stands for its first message. */
  idempotencyTtlMs: number;
  /** How many uploads may be received at once. */
  uploadsLimit: number;
  /** How many messages one caller may ask for within a window. */
  rateLimit: RateLimit;
  /** How old a blob without a waiting message must be before it is swept. */
  blobGraceMs: number;
  /** CIDRs that image_url may point to although they are not public. */
  urlAllowPrivate: readonly string[];
  /** Origins of pages elsewhere that may use the API with a key; `*` for all. */
  corsOrigins: readonly string[];
  logLevel: string;
  /** Undefined: nothing is traced. */
  tracing: TracingConfig | undefined;
  credentials: readonly Credential[];
  /** A file with more keys, read at start-up. */
  apiKeysFile?: string;
}

const DAY_MS = 86_400_000;
const PORT_RANGE = [0, 65_535] as const;

const variables = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: env.integer(3000, ...PORT_RANGE),
  METRICS_HOST: env.string(),
  METRICS_PORT: env.integer(9100, ...PORT_RANGE),
  REDIS_URL: z
    .string('required, e.g. redis://127.0.0.1:6379')
    .refine(isRedisUrl, 'expected redis://…, redis+sentinel://…/master or redis+cluster://…, or rediss…'),
  REDIS_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'expected letters, digits, dashes or underscores')
    .default('postern'),
  REDIS_HIGH_WATER_PERCENT: env.integer(90, 1, 100),
  REDIS_ALLOW_NO_APPENDONLY: env.boolean(false),
  ...blobStoreEnv,
  DEVICE_GRACE_MS: env.integer(60_000, 0, DAY_MS),
  SYNC_WAIT_MS: env.integer(25_000, 0, 120_000),
  LANE_LIMIT: env.integer(10_000, 1, 10_000_000),
  QUEUE_TTL_MS: env.integer(DAY_MS, 1_000, 30 * DAY_MS),
  RECORD_TTL_MS: env.integer(7 * DAY_MS, 1_000, 365 * DAY_MS),
  IDEMPOTENCY_TTL_MS: env.integer(DAY_MS, 1_000, 30 * DAY_MS),
  UPLOADS_LIMIT: env.integer(64, 1, 100_000),
  RATE_LIMIT_MAX: env.integer(0, 0, 10_000_000),
  RATE_LIMIT_WINDOW_MS: env.integer(60_000, 100, DAY_MS),
  BLOB_GRACE_MS: env.integer(15 * 60_000, 1_000, 30 * DAY_MS),
  URL_ALLOW_PRIVATE: env.list().refine((cidrs) => cidrs.every(isCidr), 'expected CIDRs like 10.0.0.0/8,fd00::/8'),
  CORS_ORIGINS: env
    .list()
    .refine((origins) => origins.every(isOrigin), 'expected origins like https://app.example.com, or *'),
  LOG_LEVEL: env.logLevel(),
  ...tracingEnv,
  API_KEYS: z.string().default('').transform(explained(parseApiKeys)),
  API_KEYS_FILE: z.string().optional(),
  BASIC_AUTH: z.string().default('').transform(explained(parseBasicUsers)),
});

/** Parses the gateway's environment variables. Throws one ConfigError that names every bad one. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): GatewayConfig {
  const read = readEnv(variables, environment);
  const credentials = [...read.API_KEYS, ...read.BASIC_AUTH];
  if (credentials.length === 0 && read.API_KEYS_FILE === undefined && !isLoopbackHost(read.HOST)) {
    throw new ConfigError(
      'The environment is not usable:\n  HOST: without API_KEYS, API_KEYS_FILE or BASIC_AUTH only a loopback address ' +
        'is served; configure credentials or use 127.0.0.1',
    );
  }
  return {
    host: read.HOST,
    port: read.PORT,
    metricsHost: read.METRICS_HOST ?? read.HOST,
    metricsPort: read.METRICS_PORT,
    redisUrl: read.REDIS_URL,
    redisPrefix: read.REDIS_PREFIX,
    redisDemands: {
      highWaterPercent: read.REDIS_HIGH_WATER_PERCENT,
      allowNoAppendOnly: read.REDIS_ALLOW_NO_APPENDONLY,
    },
    blobs: parseBlobStoreConfig(read),
    deviceGraceMs: read.DEVICE_GRACE_MS,
    syncWaitMs: read.SYNC_WAIT_MS,
    laneLimit: read.LANE_LIMIT,
    queueTtlMs: read.QUEUE_TTL_MS,
    recordTtlMs: read.RECORD_TTL_MS,
    idempotencyTtlMs: read.IDEMPOTENCY_TTL_MS,
    uploadsLimit: read.UPLOADS_LIMIT,
    rateLimit: { max: read.RATE_LIMIT_MAX, windowMs: read.RATE_LIMIT_WINDOW_MS },
    blobGraceMs: read.BLOB_GRACE_MS,
    urlAllowPrivate: read.URL_ALLOW_PRIVATE,
    corsOrigins: read.CORS_ORIGINS,
    logLevel: read.LOG_LEVEL,
    tracing: parseTracingConfig(read),
    credentials,
    ...(read.API_KEYS_FILE === undefined ? {} : { apiKeysFile: resolve(read.API_KEYS_FILE) }),
  };
}

/** Whether only this machine can reach a server that listens on the host. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

/** Whether browsers would name a page's origin like this; `*` stands for all. */
function isOrigin(text: string): boolean {
  return text === '*' || (URL.canParse(text) && new URL(text).origin === text);
}

/** A reader that throws an Error becomes a zod transform that reports its message. */
function explained<T>(parse: (text: string) => T) {
  return (text: string, context: z.RefinementCtx): T => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'not usable' });
      return z.NEVER;
    }
  };
}
