import { Failure, type SendImageJob } from '@postern/contract';
import {
  BlobNotFoundError,
  type BlobStore,
  type DownloadOptions,
  downloadImage,
  type ImageProcessor,
  type PreparedImage,
} from '@postern/media';
import type { Stage } from './stages.ts';

export interface PrepareDependencies {
  blobs: BlobStore;
  images: ImageProcessor;
  download: Omit<DownloadOptions, 'signal'>;
  stage: Stage;
}

/** Gets the image of a message, from the blob store or its URL, and makes it what will be sent. */
export async function prepareMessage(
  job: SendImageJob,
  signal: AbortSignal,
  { blobs, images, download, stage }: PrepareDependencies,
): Promise<PreparedImage> {
  const { image } = job;
  const bytes = await stage('fetch', async () =>
    image.source === 'url'
      ? (await downloadImage(image.url, { ...download, signal })).bytes
      : blobs.read(job.message_id).catch(toReadFailure),
  );
  const options = { compress: job.compress, hd: job.hd, viewOnce: job.view_once };
  return stage('process', () => images.prepare(bytes, options, signal));
}

function toReadFailure(error: unknown): never {
  if (error instanceof BlobNotFoundError) {
    throw new Failure('INTERNAL_ERROR', 'The uploaded image is gone', { cause: error, retryable: false });
  }
  throw error;
}
