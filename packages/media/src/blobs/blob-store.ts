import type { Readable } from 'node:stream';

/**
 * Where accepted images wait for their message: one blob per message, named by the message's id.
 * Nothing is shared between messages, so settling a message deletes its blob at once, without counting references.
 * Every method rejects with a plain Error when the id is not a safe name (see {@link assertBlobId}), and with the
 * retryable failure STORAGE_UNAVAILABLE when the store is away, full, or refuses.
 */
export interface BlobStore {
  /**
   * Stores the chunks under the id, replacing an earlier blob of it. The blob becomes visible only when it is complete
   * and on disk; a put that fails or is aborted leaves nothing, not even a temporary file, and rejects with what the
   * chunks threw, the signal's reason, or STORAGE_UNAVAILABLE.
   */
  put(id: string, chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>;
  /** The whole blob. Throws a {@link BlobNotFoundError} when the store is there and the blob is not. */
  read(id: string): Promise<Buffer>;
  /** The blob as a stream, which stays readable when the blob is deleted meanwhile. Throws as `read` does. */
  open(id: string): Promise<Readable>;
  /** Deletes the blob; deleting one that is not there is no error. */
  delete(id: string): Promise<void>;
  /** Every complete blob, in no particular order; blobs that come or go during the walk may be missed. */
  list(): AsyncIterable<BlobEntry>;
  /**
   * A random id made once per store: processes that read the same one share the store. From the first call on, only the
   * store of this identity counts as being there.
   */
  identity(): Promise<string>;
  /** Notes that the store belongs to this installation, unless it belongs to one; resolves with the one it belongs to. */
  claim(installation: string): Promise<string>;
  /** Resolves when the store is there and can be used: a directory is written to, a bucket only read. */
  probe(): Promise<void>;
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
