import type { BlobStore } from './blob-store.ts';
import { createDirectoryBlobStore } from './directory-blob-store.ts';
import { createS3BlobStore, type S3BlobStoreOptions } from './s3-blob-store.ts';

/** Where the blobs are: a directory on one file system, or an S3-compatible bucket for many hosts. */
export type BlobStoreConfig = { directory: string } | { s3: S3BlobStoreOptions };

/** Throws at once when the directory cannot be made; a bucket is first asked when the store is used. */
export function createBlobStore(config: BlobStoreConfig): BlobStore {
  return 's3' in config ? createS3BlobStore(config.s3) : createDirectoryBlobStore(config);
}
