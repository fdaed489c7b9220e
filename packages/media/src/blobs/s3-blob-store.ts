import { Readable } from 'node:stream';
import { assertBlobId, type BlobEntry, BlobNotFoundError, type BlobStore } from './blob-store.ts';
import { connectS3, type S3ConnectionOptions } from './s3-client.ts';
import { isS3Error } from './s3-error.ts';
import { readOrCreateIdentity } from './s3-identity.ts';
import { abortStaleUploads } from './s3-sweep.ts';
import { uploadObject } from './s3-upload.ts';

export interface S3BlobStoreOptions extends S3ConnectionOptions {
  bucket: string;
  /** What all keys begin with, e.g. `postern/`; a slash is added where one lacks. */
  prefix: string;
  /** How many keys a listing asks for at once. Default 1000, the most S3 gives. */
  listPageSize?: number;
}

/**
 * A blob store in an S3 bucket: `<prefix>blobs/<id>` are complete blobs, pending multipart uploads what is being written,
 * `<prefix>identity` is the store's id. Nothing is asked of the server before the first call. A put uses up to 5 MB of
 * memory; a request is tried three times. Every failure but a missing blob is an Error with the server's own `code`.
 */
export function createS3BlobStore({ bucket, prefix, listPageSize, ...connection }: S3BlobStoreOptions): BlobStore {
  const call = connectS3(connection);
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  const blobs = { Bucket: bucket, Prefix: `${folder}blobs/` };

  const addressOf = (id: string) => {
    assertBlobId(id);
    return { Bucket: bucket, Key: blobs.Prefix + id };
  };
  const get = <T>(id: string, use: (body: Readable) => T | Promise<T>) => {
    const address = addressOf(id);
    return call(async (s3) => use(toReadable((await s3.getObject(address)).Body))).catch((error: unknown) => {
      throw isS3Error(error, 'NoSuchKey') ? new BlobNotFoundError(id) : error;
    });
  };

  return {
    async put(id, chunks, signal) {
      await uploadObject(call, addressOf(id), chunks, signal);
    },

    async read(id) {
      return await get(id, async (body) => Buffer.concat(await body.toArray()));
    },

    async open(id) {
      return await get(id, (body) => body);
    },

    async delete(id) {
      const address = addressOf(id);
      await call((s3) => s3.deleteObject(address)).catch((error: unknown) => {
        if (!isS3Error(error, 'NoSuchKey')) throw error;
      });
    },

    async *list(): AsyncGenerator<BlobEntry, void, undefined> {
      let after: string | undefined;
      do {
        const from = after === undefined ? {} : { ContinuationToken: after };
        const page = await call((s3) => s3.listObjectsV2({ ...blobs, MaxKeys: listPageSize ?? 1000, ...from }));
        for (const { Key = '', LastModified } of page.Contents ?? []) {
          const id = Key.slice(blobs.Prefix.length);
          if (isBlobId(id) && LastModified) yield { id, modifiedAtMs: LastModified.getTime() };
        }
        after = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (after !== undefined);
    },

    async identity() {
      return await readOrCreateIdentity(call, { Bucket: bucket, Key: `${folder}identity` });
    },

    async sweepTemporary(olderThanMs) {
      return await abortStaleUploads(call, blobs, olderThanMs);
    },
  };
}

function toReadable(body: unknown): Readable {
  if (body instanceof Readable) return body;
  throw new Error('the S3 server answered without a body');
}

/** Keys that others put under the prefix (the marker of a folder, for one) are no blobs. */
function isBlobId(id: string): boolean {
  try {
    assertBlobId(id);
    return true;
  } catch {
    return false;
  }
}
