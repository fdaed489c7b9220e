import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { assertBlobId, type BlobEntry, type BlobStore } from './blob-store.ts';
import { findBlob } from './find-blob.ts';
import { connectS3, type S3ConnectionOptions } from './s3-client.ts';
import { isS3Error, S3Error } from './s3-error.ts';
import { readMark, readOrCreateMark } from './s3-mark.ts';
import { abortStaleUploads } from './s3-sweep.ts';
import { uploadObject } from './s3-upload.ts';
import { storageUnavailable } from './storage-failure.ts';

export interface S3BlobStoreOptions extends S3ConnectionOptions {
  bucket: string;
  /** What all keys begin with, e.g. `postern/`; a slash is added where one lacks. */
  prefix: string;
  /** How many keys a listing asks for at once. Default 1000, the most S3 gives. */
  listPageSize?: number;
}

/**
 * A blob store in an S3 bucket: `<prefix>blobs/<id>` are complete blobs, pending multipart uploads what is being written,
 * `<prefix>identity` is the store's id, `<prefix>owner` says whose it is. Nothing is asked of the server before the first
 * call. A put uses up to 5 MB of memory; a request is tried three times. Whatever the server or the way to it refuses is
 * STORAGE_UNAVAILABLE, with the server's own code as the reason.
 */
export function createS3BlobStore({ bucket, prefix, listPageSize, ...connection }: S3BlobStoreOptions): BlobStore {
  const call = connectS3(connection);
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  const blobs = { Bucket: bucket, Prefix: `${folder}blobs/` };

  const addressOf = (id: string) => {
    assertBlobId(id);
    return { Bucket: bucket, Key: blobs.Prefix + id };
  };
  const identityAddress = { Bucket: bucket, Key: `${folder}identity` };
  let known: string | undefined;
  const assertHere = async () => {
    const found = await readMark(call, identityAddress).catch(rejectAsUnavailable);
    if (known === undefined || found?.text === known) return;
    throw storageUnavailable(found ? 'its bucket holds another store' : 'its bucket is empty');
  };
  const get = <T>(id: string, use: (body: Readable) => T | Promise<T>) => {
    const address = addressOf(id);
    const look = () =>
      call(async (s3) => use(toReadable((await s3.getObject(address)).Body))).catch(undefinedIfMissing);
    return findBlob(id, look, assertHere);
  };

  return {
    async put(id, chunks, signal) {
      await uploadObject(call, addressOf(id), chunks, signal).catch(rejectAsUnavailable);
    },

    async read(id) {
      return await get(id, async (body) => Buffer.concat(await body.toArray()));
    },

    async open(id) {
      return await get(id, (body) => body);
    },

    async delete(id) {
      const address = addressOf(id);
      await call((s3) => s3.deleteObject(address)).catch(undefinedIfMissing);
    },

    async *list(): AsyncGenerator<BlobEntry, void, undefined> {
      await assertHere();
      let after: string | undefined;
      do {
        const from = after === undefined ? {} : { ContinuationToken: after };
        const listing = call((s3) => s3.listObjectsV2({ ...blobs, MaxKeys: listPageSize ?? 1000, ...from }));
        const page = await listing.catch(rejectAsUnavailable);
        for (const { Key = '', LastModified } of page.Contents ?? []) {
          const id = Key.slice(blobs.Prefix.length);
          if (isBlobId(id) && LastModified) yield { id, modifiedAtMs: LastModified.getTime() };
        }
        after = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (after !== undefined);
    },

    async identity() {
      known ??= await readOrCreateMark(call, identityAddress, randomUUID()).catch(rejectAsUnavailable);
      return known;
    },

    async claim(installation) {
      const address = { Bucket: bucket, Key: `${folder}owner` };
      return await readOrCreateMark(call, address, installation).catch(rejectAsUnavailable);
    },

    async probe() {
      await assertHere();
    },

    async sweepTemporary(olderThanMs) {
      return await abortStaleUploads(call, blobs, olderThanMs).catch(rejectAsUnavailable);
    },
  };
}

function undefinedIfMissing(error: unknown): undefined {
  if (!isS3Error(error, 'NoSuchKey')) rejectAsUnavailable(error);
}

function rejectAsUnavailable(error: unknown): never {
  throw error instanceof S3Error ? storageUnavailable(error.code, error) : error;
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
