import { randomUUID } from 'node:crypto';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { abortable } from './abortable.ts';
import type { S3Call } from './s3-client.ts';
import { type Part, readParts } from './s3-parts.ts';

/** The smallest size that S3 allows for a part that is not the last. */
const PART_BYTES = 5 * 1024 * 1024;

/** Says in an object's metadata which put wrote it, so that a put whose answer was lost can find out how it ended. */
const PUT_ID = 'put-id';

export interface ObjectAddress {
  Bucket: string;
  Key: string;
}

/**
 * Stores chunks of unknown length as one object, in at most 5 MB of memory: what fits into one part by a single PUT,
 * more as a multipart upload. The object appears when it is complete. When the source fails or the signal aborts, the
 * upload is aborted and nothing appears; once everything has been sent, the signal is not listened to any more, because
 * a request that is abandoned then may succeed all the same.
 */
export async function uploadObject(
  call: S3Call,
  address: ObjectAddress,
  chunks: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const upload = new Upload(call, address, signal);
  try {
    for await (const part of readParts(abortable(chunks, signal), PART_BYTES)) await upload.add(part);
  } catch (error) {
    await upload.abort();
    signal?.throwIfAborted();
    throw error;
  }
}

class Upload {
  readonly #call: S3Call;
  readonly #address: ObjectAddress;
  readonly #signal: AbortSignal | undefined;
  readonly #putId = randomUUID();
  readonly #parts: CompletedPart[] = [];
  #uploadId: string | undefined;

  constructor(call: S3Call, address: ObjectAddress, signal: AbortSignal | undefined) {
    this.#call = call;
    this.#address = address;
    this.#signal = signal;
  }

  async add({ bytes, last }: Part): Promise<void> {
    this.#signal?.throwIfAborted();
    if (last && !this.#uploadId) {
      const Metadata = { [PUT_ID]: this.#putId };
      return this.#commit(() => this.#call((s3) => s3.putObject({ ...this.#address, Body: bytes, Metadata })));
    }
    this.#uploadId ??= await this.#create();
    await this.#addPart(this.#uploadId, bytes);
    if (!last) return;
    const completed = { ...this.#address, UploadId: this.#uploadId, MultipartUpload: { Parts: this.#parts } };
    this.#signal?.throwIfAborted();
    await this.#commit(() => this.#call((s3) => s3.completeMultipartUpload(completed)));
  }

  /** Never rejects: an upload that cannot be aborted now is found by the sweep of stale ones. */
  async abort(): Promise<void> {
    const UploadId = this.#uploadId;
    if (!UploadId) return;
    await this.#call((s3) => s3.abortMultipartUpload({ ...this.#address, UploadId })).catch(() => undefined);
  }

  /** Not interrupted by the signal: the id of an upload that was begun must be known to abort it. */
  async #create(): Promise<string> {
    const Metadata = { [PUT_ID]: this.#putId };
    const { UploadId } = await this.#call((s3) => s3.createMultipartUpload({ ...this.#address, Metadata }));
    if (!UploadId) throw new Error('the S3 server began a multipart upload without saying its id');
    return UploadId;
  }

  async #addPart(UploadId: string, Body: Buffer): Promise<void> {
    const PartNumber = this.#parts.length + 1;
    const options = this.#signal ? { abortSignal: this.#signal } : {};
    const part = { ...this.#address, UploadId, PartNumber, Body };
    const { ETag } = await this.#call((s3) => s3.uploadPart(part, options));
    this.#parts.push({ PartNumber, ...(ETag === undefined ? {} : { ETag }) });
  }

  /** A request that makes the object appear may fail although it was carried out: only its answer was lost. */
  async #commit(request: () => Promise<unknown>): Promise<void> {
    try {
      await request();
    } catch (error) {
      const head = await this.#call((s3) => s3.headObject(this.#address)).catch(() => undefined);
      if (head?.Metadata?.[PUT_ID] !== this.#putId) throw error;
    }
  }
}
