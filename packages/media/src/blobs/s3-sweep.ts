import type { MultipartUpload } from '@aws-sdk/client-s3';
import type { S3Call } from './s3-client.ts';
import { isS3Error } from './s3-error.ts';

/**
 * Aborts multipart uploads under the prefix that got no part for `olderThanMs`; says how many. A server that cannot list
 * uploads (NotImplemented) has none to sweep; MinIO lists none by a prefix and aborts stale ones by itself.
 */
export async function abortStaleUploads(
  call: S3Call,
  { Bucket, Prefix }: { Bucket: string; Prefix: string },
  olderThanMs: number,
): Promise<number> {
  const isStale = (at: Date | undefined) => at !== undefined && Date.now() - at.getTime() >= olderThanMs;
  let swept = 0;
  for await (const { Key, UploadId, Initiated } of listUploads(call, Bucket, Prefix)) {
    if (!Key || !UploadId || !isStale(Initiated)) continue;
    const upload = { Bucket, Key, UploadId };
    try {
      const { Parts = [] } = await call((s3) => s3.listParts(upload));
      if (!Parts.every((part) => isStale(part.LastModified))) continue;
      await call((s3) => s3.abortMultipartUpload(upload));
      swept += 1;
    } catch (error) {
      // It was completed, or another sweeper was faster.
      if (!isS3Error(error, 'NoSuchUpload')) throw error;
    }
  }
  return swept;
}

async function* listUploads(
  call: S3Call,
  Bucket: string,
  Prefix: string,
): AsyncGenerator<MultipartUpload, void, undefined> {
  let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (marker) {
    const from: { KeyMarker?: string; UploadIdMarker?: string } = marker;
    const page = await call((s3) => s3.listMultipartUploads({ Bucket, Prefix, ...from })).catch(rejectImplemented);
    yield* page.Uploads ?? [];
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
    marker = page.IsTruncated && KeyMarker ? { KeyMarker, ...(UploadIdMarker ? { UploadIdMarker } : {}) } : undefined;
  }
}

function rejectImplemented(error: unknown): Record<string, never> {
  if (isS3Error(error, 'NotImplemented')) return {};
  throw error;
}
