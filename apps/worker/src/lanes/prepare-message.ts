import { Failure, type MessageRecord, type SendImageJob } from '@postern/contract';
import {
  BlobNotFoundError,
  type BlobStore,
  type DownloadOptions,
  downloadImage,
  type ImageProcessor,
  type PreparedImage,
} from '@postern/media';
import type { LendSlot } from '@postern/queue';
import { isSuspect, type PoisonPicturesDependencies, preparePossiblePoison } from './poison-pictures.ts';
import { ReuseCache } from './reuse-cache.ts';
import type { Stage } from './stages.ts';

const PREPARED_TTL_MS = 10 * 60_000;
const MAX_PREPARED_BYTES = 32 * 1024 * 1024;

/** Prepared images by what was given and asked for, so that one picture to many recipients is decoded once. */
export function createPreparedImages(): ReuseCache<PreparedImage> {
  return new ReuseCache({
    ttlMs: PREPARED_TTL_MS,
    maxWeight: MAX_PREPARED_BYTES,
    weigh: ({ bytes }) => bytes.byteLength,
  });
}

export interface PrepareDependencies extends PoisonPicturesDependencies {
  blobs: BlobStore;
  images: Pick<ImageProcessor, 'prepare'>;
  prepared: ReuseCache<PreparedImage>;
  download: Omit<DownloadOptions, 'signal'>;
  stage: Stage;
}

/**
 * Gets the image of a message, from the blob store or its URL, and makes it what will be sent. An image that was prepared
 * before is not even read again, unless it is view-once or its URL must be asked what it delivers now. `record` is the
 * message's when it was taken.
 */
export async function prepareMessage(
  job: SendImageJob,
  record: MessageRecord | undefined,
  signal: AbortSignal,
  deps: PrepareDependencies & { lendSlot: LendSlot },
): Promise<PreparedImage> {
  const { blobs, images, prepared, download, stage, lendSlot } = deps;
  const { image, compress, hd, view_once: viewOnce, device_id: owner } = job;
  const given =
    image.source === 'url'
      ? await lendSlot(() => stage('fetch', () => downloadImage(image.url, { ...download, signal })))
      : { sha256: image.sha256, bytes: undefined };
  const prepare = async (aborted: AbortSignal) => {
    const bytes = given.bytes ?? (await stage('fetch', () => blobs.read(job.message_id).catch(toReadFailure)));
    const suspect = isSuspect(record);
    return await preparePossiblePoison(
      { job, sha256: given.sha256, suspect },
      (alone) => stage('process', () => images.prepare(bytes, { compress, hd, viewOnce, owner, alone }, aborted)),
      deps,
    );
  };
  if (viewOnce) return await prepare(signal);
  return (await prepared.get(`${given.sha256} ${hd ? 'hd' : compress}`, signal, prepare)).value;
}

function toReadFailure(error: unknown): never {
  if (error instanceof BlobNotFoundError) {
    throw new Failure('INTERNAL_ERROR', 'The uploaded image is gone', { cause: error, retryable: false });
  }
  throw error;
}
