import type { S3 } from '@aws-sdk/client-s3';
import { S3Error } from './s3-error.ts';

export interface S3ConnectionOptions {
  /** URL of an S3-compatible server; unset means AWS. */
  endpoint?: string;
  region: string;
  /** Without a pair of keys the SDK's own chain finds credentials: AWS_* variables, profile, web identity, instance role. */
  accessKeyId?: string;
  secretAccessKey?: string;
  /** `http://host/bucket/key` instead of `http://bucket.host/key`: what most servers other than AWS want. */
  forcePathStyle: boolean;
  /** Longest time for one attempt to be answered, in milliseconds; there are at most three. Default 30000. */
  requestTimeoutMs?: number;
}

/** Runs one request; rejects with an {@link S3Error}. */
export type S3Call = <T>(run: (client: S3) => Promise<T>) => Promise<T>;

const CONNECT_TIMEOUT_MS = 3_000;
const IDLE_TIMEOUT_MS = 10_000;
const MAX_ATTEMPTS = 3;
const MAX_CONNECTIONS = 256;

/** A client whose SDK (some 20 MB and half a second of CPU) is loaded by the first request. */
export function connectS3(options: S3ConnectionOptions): S3Call {
  let client: Promise<S3> | undefined;
  return async (run) => {
    try {
      client ??= createClient(options);
      return await run(await client);
    } catch (error) {
      throw S3Error.from(error);
    }
  };
}

async function createClient(options: S3ConnectionOptions): Promise<S3> {
  const { endpoint, region, accessKeyId, secretAccessKey, forcePathStyle, requestTimeoutMs = 30_000 } = options;
  const { S3 } = await import('@aws-sdk/client-s3');
  return new S3({
    region,
    forcePathStyle,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
    maxAttempts: MAX_ATTEMPTS,
    // The signature covers the body's SHA-256 already, and not every compatible server knows the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Waiting for `100 Continue` would cost a connection of its own for each part.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      socketTimeout: Math.min(IDLE_TIMEOUT_MS, requestTimeoutMs),
      httpAgent: { maxSockets: MAX_CONNECTIONS },
      httpsAgent: { maxSockets: MAX_CONNECTIONS },
    },
  });
}
