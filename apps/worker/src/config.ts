import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { blobStoreEnv, DEFAULT_USER_AGENT, isCidr, parseBlobStoreConfig } from '@postern/media';
import { isRedisUrl } from '@postern/registry';
import { env, parseTracingConfig, readEnv, tracingEnv } from '@postern/runtime';
import { z } from 'zod';

/** Every variable the worker reads; `.env.example` explains them. */
export const workerEnv = z.object({
  REDIS_URL: z
    .string('required, e.g. redis://127.0.0.1:6379')
    .refine(isRedisUrl, 'expected redis://…, redis+sentinel://…/master or redis+cluster://…, or rediss…'),
  REDIS_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'expected letters, digits, dashes or underscores')
    .default('postern'),
  REDIS_ALLOW_NO_APPENDONLY: env.boolean(false),
  HOST: env.string('127.0.0.1'),
  METRICS_HOST: env.string(),
  METRICS_PORT: env.integer(9101, 0, 65_535),
  ...blobStoreEnv,
  WORKER_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'expected 1 to 64 letters, digits, dots, dashes or underscores')
    .optional(),
  LEASE_TTL_MS: env.integer(10_000, 1_000, 600_000),
  WHATSAPP_UNREACHABLE_MS: env.integer(20_000, 1_000, 3_600_000),
  DEVICE_GRACE_MS: env.integer(60_000, 0, 86_400_000),
  ACK_TIMEOUT_MS: env.integer(20_000, 100, 600_000),
  CONNECT_TIMEOUT_MS: env.integer(30_000, 500, 600_000),
  QUERY_TIMEOUT_MS: env.integer(15_000, 100, 600_000),
  UPLOAD_TIMEOUT_MS: env.integer(60_000, 100, 600_000),
  UPLOAD_REUSE_MS: env.integer(12 * 3_600_000, 0, 7 * 86_400_000),
  DOWNLOAD_TIMEOUT_MS: env.integer(30_000, 100, 600_000),
  DOWNLOAD_USER_AGENT: z
    .string()
    .regex(/^[\x20-\x7e]{1,256}$/, 'expected 1 to 256 printable ASCII characters')
    .default(DEFAULT_USER_AGENT),
  SEND_ATTEMPTS: env.integer(5, 1, 100),
  SEND_BUDGET_MS: env.integer(180_000, 1_000, 3_600_000),
  SEND_BACKOFF_MS: env.integer(500, 1, 60_000),
  PACE_MAX: env.integer(0, 0, 1_000_000),
  PACE_WINDOW_MS: env.integer(60_000, 100, 86_400_000),
  REACH_OUT_HOLD_MS: env.integer(60_000, 100, 30 * 86_400_000),
  LANE_CONCURRENCY: env.integer(12, 1, 256),
  IMAGE_MEMORY_MIB: env.integer(256, 32, 65_536),
  IMAGE_PROCESS_MEMORY_MIB: env.integer(1024, 256, 65_536),
  RECORD_TTL_MS: env.integer(7 * 86_400_000, 1_000, 365 * 86_400_000),
  FAILED_BLOB_TTL_MS: env.integer(0, 0, 30 * 86_400_000),
  STATE_ENCRYPTION_KEY: env.string(),
  URL_ALLOW_PRIVATE: env.list().refine((cidrs) => cidrs.every(isCidr), 'expected CIDRs like 10.0.0.0/8,fd00::/8'),
  LOG_LEVEL: env.logLevel(),
  ...tracingEnv,
  WA_WEBSOCKET_URL: z.url({ protocol: /^wss?$/, error: 'expected a ws:// or wss:// URL' }).optional(),
  WA_NOISE_ROOT_KEY: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'expected 64 hex digits')
    .optional(),
});

export type WorkerConfig = ReturnType<typeof readWorkerConfig>;

/** Throws one ConfigError that lists every bad variable. */
export function readWorkerConfig(variables: Readonly<Record<string, string | undefined>>) {
  const read = readEnv(workerEnv, variables);
  return {
    redisUrl: read.REDIS_URL,
    redisPrefix: read.REDIS_PREFIX,
    allowNoAppendOnly: read.REDIS_ALLOW_NO_APPENDONLY,
    metricsHost: read.METRICS_HOST ?? read.HOST,
    metricsPort: read.METRICS_PORT,
    blobs: parseBlobStoreConfig(read),
    workerId: read.WORKER_ID ?? `worker-${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`,
    leaseTtlMs: read.LEASE_TTL_MS,
    unreachableMs: read.WHATSAPP_UNREACHABLE_MS,
    graceMs: read.DEVICE_GRACE_MS,
    ackTimeoutMs: read.ACK_TIMEOUT_MS,
    connectTimeoutMs: read.CONNECT_TIMEOUT_MS,
    queryTimeoutMs: read.QUERY_TIMEOUT_MS,
    uploadTimeoutMs: read.UPLOAD_TIMEOUT_MS,
    uploadReuseMs: read.UPLOAD_REUSE_MS,
    downloadTimeoutMs: read.DOWNLOAD_TIMEOUT_MS,
    downloadUserAgent: read.DOWNLOAD_USER_AGENT,
    sendAttempts: read.SEND_ATTEMPTS,
    sendBudgetMs: read.SEND_BUDGET_MS,
    sendBackoffMs: read.SEND_BACKOFF_MS,
    pace: { max: read.PACE_MAX, window_ms: read.PACE_WINDOW_MS },
    reachOutHoldMs: read.REACH_OUT_HOLD_MS,
    laneConcurrency: read.LANE_CONCURRENCY,
    images: {
      memoryBytes: read.IMAGE_MEMORY_MIB * 2 ** 20,
      processMemoryBytes: read.IMAGE_PROCESS_MEMORY_MIB * 2 ** 20,
    },
    recordTtlMs: read.RECORD_TTL_MS,
    failedBlobTtlMs: read.FAILED_BLOB_TTL_MS,
    stateEncryptionKey: read.STATE_ENCRYPTION_KEY,
    urlAllowPrivate: read.URL_ALLOW_PRIVATE,
    logLevel: read.LOG_LEVEL,
    tracing: parseTracingConfig(read),
    webSocketUrl: read.WA_WEBSOCKET_URL,
    noiseRootKey: read.WA_NOISE_ROOT_KEY,
  };
}
