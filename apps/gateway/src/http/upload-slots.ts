import { Failure } from '@postern/contract';

export interface UploadSlots {
  inUse(): number;
  /** Takes a slot and answers its release. Throws UPLOADS_BUSY when all are taken. */
  take(): () => void;
}

const RETRY_AFTER_SECONDS = 2;

/** Bounds how many uploads are received at once. */
export function createUploadSlots(limit: number): UploadSlots {
  let taken = 0;
  return {
    inUse: () => taken,
    take() {
      if (taken >= limit) {
        throw new Failure('UPLOADS_BUSY', `${limit} uploads are being received already`, {
          retryAfterSeconds: RETRY_AFTER_SECONDS,
        });
      }
      taken += 1;
      return () => {
        taken -= 1;
      };
    },
  };
}
