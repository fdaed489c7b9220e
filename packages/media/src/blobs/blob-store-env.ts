import { join, resolve } from 'node:path';
import { ConfigError, env } from '@postern/runtime';
import { z } from 'zod';
import type { BlobStoreConfig } from './create-blob-store.ts';

/** The variables that say where blobs are; gateway and worker spread them into their schemas. */
export const blobStoreEnv = {
  DATA_DIR: env.string('.postern'),
  BLOB_DIR: env.string(),
  BLOB_S3_ENDPOINT: z.url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' }).optional(),
  BLOB_S3_REGION: env.string('us-east-1'),
  BLOB_S3_BUCKET: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{1,61}[a-zA-Z0-9]$/, 'expected the name of a bucket')
    .optional(),
  BLOB_S3_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*\/?$/, 'expected something like postern/ or apps/postern/')
    .default('postern/'),
  BLOB_S3_ACCESS_KEY_ID: env.string(),
  BLOB_S3_SECRET_ACCESS_KEY: env.string(),
  BLOB_S3_FORCE_PATH_STYLE: env.boolean(false),
};

export type BlobStoreVariables = z.output<z.ZodObject<typeof blobStoreEnv>>;

/**
 * A bucket when BLOB_S3_BUCKET is set, else the directory BLOB_DIR, else `blobs` in DATA_DIR; the directory is absolute.
 * Throws a ConfigError when the variables contradict each other.
 */
export function parseBlobStoreConfig(read: BlobStoreVariables): BlobStoreConfig {
  const contradictions = findContradictions(read);
  if (contradictions.length > 0) {
    throw new ConfigError(['The environment is not usable:', ...contradictions].join('\n  '));
  }
  if (read.BLOB_S3_BUCKET === undefined) return { directory: resolve(read.BLOB_DIR ?? join(read.DATA_DIR, 'blobs')) };
  return {
    s3: {
      ...(read.BLOB_S3_ENDPOINT === undefined ? {} : { endpoint: read.BLOB_S3_ENDPOINT }),
      region: read.BLOB_S3_REGION,
      bucket: read.BLOB_S3_BUCKET,
      prefix: read.BLOB_S3_PREFIX,
      ...(read.BLOB_S3_ACCESS_KEY_ID === undefined ? {} : { accessKeyId: read.BLOB_S3_ACCESS_KEY_ID }),
      ...(read.BLOB_S3_SECRET_ACCESS_KEY === undefined ? {} : { secretAccessKey: read.BLOB_S3_SECRET_ACCESS_KEY }),
      forcePathStyle: read.BLOB_S3_FORCE_PATH_STYLE,
    },
  };
}

function findContradictions(read: BlobStoreVariables): string[] {
  const found: string[] = [];
  if (read.BLOB_S3_BUCKET !== undefined && read.BLOB_DIR !== undefined) {
    found.push('BLOB_DIR: set either BLOB_DIR or BLOB_S3_BUCKET, not both');
  }
  if (read.BLOB_S3_BUCKET === undefined && (read.BLOB_S3_ENDPOINT ?? read.BLOB_S3_ACCESS_KEY_ID) !== undefined) {
    found.push('BLOB_S3_BUCKET: required with the other BLOB_S3_ variables');
  }
  if ((read.BLOB_S3_ACCESS_KEY_ID === undefined) !== (read.BLOB_S3_SECRET_ACCESS_KEY === undefined)) {
    found.push('BLOB_S3_ACCESS_KEY_ID: set it together with BLOB_S3_SECRET_ACCESS_KEY, or neither');
  }
  return found;
}
