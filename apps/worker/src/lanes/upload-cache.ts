import type { OutgoingImage, UploadedImage } from '../whatsapp/whatsapp.ts';
import { ReuseCache } from './reuse-cache.ts';

export interface UploadCacheOptions {
  /** How long an upload is sent again without uploading, in milliseconds; 0: never. */
  reuseMs: number;
  /** Told of each message's upload, for metrics. */
  onUpload: (source: 'fresh' | 'reused') => void;
}

/** One message's need of an upload. */
export interface UploadRequest {
  deviceId: string;
  image: OutgoingImage;
  /** Always uploaded by itself: nothing refers to a view-once picture but its one message. */
  viewOnce: boolean;
  signal: AbortSignal;
  upload: () => Promise<UploadedImage>;
}

/** At a few kilobytes each, thumbnail included. */
const MAX_UPLOADS = 5_000;

/**
 * Uploads that serve further messages: what WhatsApp keeps for an image can be sent to any number of chats. Reused only
 * for the same bytes, sent as the same media type by the same device, because an upload belongs to the account that made it.
 */
export class UploadCache {
  readonly #cache: ReuseCache<UploadedImage>;
  readonly #onUpload: UploadCacheOptions['onUpload'];

  constructor({ reuseMs, onUpload }: UploadCacheOptions) {
    this.#cache = new ReuseCache({ ttlMs: reuseMs, maxWeight: MAX_UPLOADS, weigh: () => 1 });
    this.#onUpload = onUpload;
  }

  /** Throws what `upload` throws, also to those who wait for the upload of another message, or the signal's reason. */
  async upload({ deviceId, image, viewOnce, signal, upload }: UploadRequest) {
    const key = `${deviceId} ${image.mimetype} ${image.sha256}`;
    const { value, reused } = viewOnce
      ? { value: await upload(), reused: false }
      : await this.#cache.get(key, signal, upload);
    this.#onUpload(reused ? 'reused' : 'fresh');
    return { uploaded: value, reused };
  }

  /** The media servers have lost this upload of a device, or may have; without a hash: all of them. */
  forget(deviceId: string, sha256Uploaded?: string): void {
    this.#cache.forget((key, value) => {
      const isMeant = sha256Uploaded === undefined || value.sha256Uploaded === sha256Uploaded;
      return isMeant && key.startsWith(`${deviceId} `);
    });
  }
}
