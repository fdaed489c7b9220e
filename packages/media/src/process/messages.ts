import type { FailureCode, FailureDetails } from '@postern/contract';
import type { PreparedImage, PrepareOptions } from '../pipeline/prepare-image.ts';

/** What the image process is asked. Buffers travel as bytes: both ends use the advanced serialization. */
export interface PrepareRequest {
  bytes: Uint8Array;
  options: PrepareOptions;
  stepTimeoutMs: number;
}

/** Its answer: the picture, or the failure that preparing it ended in. */
export type PrepareReply =
  | {
      type: 'prepared';
      image: Omit<PreparedImage, 'bytes' | 'thumbnail'> & { bytes: Uint8Array; thumbnail: Uint8Array };
    }
  | { type: 'failed'; code: FailureCode; message: string; details: FailureDetails; cause: string };

/** The exit code of an image process that ended itself because it had more memory than it was given. */
export const MEMORY_EXCEEDED = 86;
