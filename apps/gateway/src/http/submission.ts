import { Failure } from '@postern/contract';
import type { BlobStore, InspectedImage } from '@postern/media';
import type { GatewayMetrics } from '../metrics.ts';
import type { Exchange } from './exchange.ts';
import { readUpload } from './multipart.ts';
import { readTextBody } from './text-body.ts';
import { type Fields, mediaType, toFields } from './text-fields.ts';
import type { UploadSlots } from './upload-slots.ts';

export interface Submission {
  fields: Fields;
  /** The uploaded image, stored under the message's id. */
  image?: InspectedImage;
  /** The name of an unknown field in which a file came. */
  strayFile?: string;
}

export interface SubmissionParts {
  blobs: Pick<BlobStore, 'put'>;
  uploadSlots: UploadSlots;
  metrics: Pick<GatewayMetrics, 'uploadBytes'>;
}

/** Reads the body of a send in any of its three content types. Throws VALIDATION_ERROR and UPLOADS_BUSY. */
export async function readSubmission(
  exchange: Exchange,
  messageId: string,
  parts: SubmissionParts,
): Promise<Submission> {
  const { request, response, principal, signal } = exchange;
  switch (mediaType(request)) {
    case 'multipart/form-data': {
      const release = parts.uploadSlots.take(principal.name);
      try {
        const onBytes = (count: number) => parts.metrics.uploadBytes.inc(count);
        return await readUpload(request, response, { store: parts.blobs, id: messageId, signal, onBytes });
      } finally {
        release();
      }
    }
    case 'application/json':
    case 'application/x-www-form-urlencoded':
      return { fields: toFields(request, await readTextBody(request, signal)) };
    default:
      throw Failure.field(
        'Content-Type',
        'expected multipart/form-data, application/x-www-form-urlencoded or application/json',
      );
  }
}
