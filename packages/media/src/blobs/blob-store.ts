import type { Readable } from 'node:stream';

/**
 * Where accepted images wait for their message: one blob per message, named by the message's id.
 * Nothing is shared between messages, so settling a message deletes its blob at once, without counting references.
 * Every method rejects with a plain Error when the id is not a safe name (see {@link assertBlobId}).
 */
export interface BlobStore {
  /**
   * Stores the chunks under the id, replacing an earlier blob of it. The blob becomes visible only when it is complete
   * and on disk; a put that fails or is aborted leaves nothing, not even a temporary file, and rejects with what the
   * chunks threw, the signal's reason, or the store's own error (a full disk is a plain ENOSPC error).
   */
  put(id: string, chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>;
  /** The whole blob. Throws a {@link BlobNotFoundError}. */
  read(id: string): Promise<Buffer>;
  /** The blob as a stream, which stays readable when the blob is deleted meanwhile. Throws a {@link BlobNotFoundError}. */
  open(id: string): Promise<Readable>;
  /** Deletes the blob; deleting one that is not there is no error. */
  delete(id: string): Promise<void>;
  /** Every complete blob, in no particular order; blobs that come or go during the walk may be missed. */
  list(): AsyncIterable<BlobEntry>;
  /** A random id made once per store: processes that read the same one share the store. */
  identity(): Promise<string>;
  /** Deletes temporary files that nobody has written to for `olderThanMs` (their writer died); says how many. */
  sweepTemporary(olderThanMs: number): Promise<number>;
}

export interface BlobEntry {
  id: string;
  /** When the blob was completed, in milliseconds since the epoch. */
  modifiedAtMs: number;
}

/** There is no complete blob of this id: it was never stored, or its message has been settled. */
export class BlobNotFoundError extends Error {
  override name = 'BlobNotFoundError';
  readonly blobId: string;

  constructor(blobId: string) {
    super(`there is no blob ${blobId}`);
    this.blobId = blobId;
  }
}

/** Refuses ids that could mean anything but one file name: 1 to 128 of letters, digits, dash and underscore. */
export function assertBlobId(id: string): void {
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(id))
    throw new Error('a blob id is 1 to 128 letters, digits, dashes or underscores');
}
