import { Failure } from '@postern/contract';
import { createShares } from './shares.ts';

export interface UploadSlots {
  inUse(): number;
  /** Takes a slot for a caller and answers its release. Throws UPLOADS_BUSY when all are taken, or the caller's share is. */
  take(caller: string): () => void;
}

const RETRY_AFTER_SECONDS = 2;

/** Bounds how many uploads are received at once. */
export function createUploadSlots(limit: number, options: { isShared: boolean }): UploadSlots {
  const shares = createShares(limit, options);
  return {
    inUse: () => shares.inUse(),
    take(caller) {
      const release = shares.take(caller);
      if (release) return release;
      throw new Failure(
        'UPLOADS_BUSY',
        `All ${limit} uploads, or this key's share of them, are being received already`,
        {
          retryAfterSeconds: RETRY_AFTER_SECONDS,
        },
      );
    },
  };
}
