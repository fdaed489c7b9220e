import { Failure } from '@postern/contract';
import { within } from '@postern/runtime';
import { MEDIA_PATH_MAP, proto } from '@whiskeysockets/baileys';
import type { MediaConnection, MediaHosts } from './media-connection.ts';
import { type EncryptedMedia, encryptImage } from './media-encryption.ts';
import { type MediaLocation, postMedia } from './media-post.ts';
import type { OutgoingImage, UploadedImage } from './whatsapp.ts';

export interface UploadOptions {
  connection: MediaConnection;
  /** For everything: the question for servers, and every server that is tried. */
  uploadTimeoutMs: number;
  /** The session's. */
  signal: AbortSignal;
}

/**
 * Encrypts an image and hands it to WhatsApp's media servers, each one in turn, and once more with fresh rights when all
 * refuse. Throws UPLOAD_MEDIA_ERROR at the latest after `uploadTimeoutMs`, or the signal's reason.
 */
export async function uploadImage(image: OutgoingImage, options: UploadOptions): Promise<UploadedImage> {
  const { uploadTimeoutMs, signal } = options;
  const bound = new AbortController();
  const abort = () => bound.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await within(upload(image, options.connection, bound.signal), uploadTimeoutMs, timedOut, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Failure) throw error;
    throw new Failure('UPLOAD_MEDIA_ERROR', 'WhatsApp did not name its media servers', { cause: error });
  } finally {
    // What is still under way is abandoned.
    bound.abort();
    signal.removeEventListener('abort', abort);
  }
}

async function upload(image: OutgoingImage, connection: MediaConnection, signal: AbortSignal): Promise<UploadedImage> {
  const [media, first] = await Promise.all([encryptImage(image.bytes, signal), connection.get()]);
  const refusals: unknown[] = [];
  const location =
    (await tryHosts(first, media, signal, refusals)) ??
    (await tryHosts(await connection.get(true), media, signal, refusals));
  if (location === undefined) {
    const cause = new AggregateError(refusals, 'every media server refused');
    throw new Failure('UPLOAD_MEDIA_ERROR', "WhatsApp's media servers did not take the image", { cause });
  }
  return toUploaded(image, media, location);
}

async function tryHosts(
  { hosts, auth }: MediaHosts,
  media: EncryptedMedia,
  signal: AbortSignal,
  refusals: unknown[],
): Promise<MediaLocation | undefined> {
  const token = media.fileEncSha256.toString('base64url');
  for (const host of hosts) {
    try {
      const query = `auth=${encodeURIComponent(auth)}&token=${token}`;
      const url = new URL(`https://${host}${MEDIA_PATH_MAP.image}/${token}?${query}`);
      const location = await postMedia(url, media.body, signal);
      if (location) return location;
      refusals.push(new Error('refused'));
    } catch (error) {
      signal.throwIfAborted();
      refusals.push(error);
    }
  }
  return undefined;
}

function toUploaded(image: OutgoingImage, media: EncryptedMedia, { url, directPath }: MediaLocation): UploadedImage {
  const encoded = proto.Message.ImageMessage.encode({
    ...(url !== undefined && { url }),
    ...(directPath !== undefined && { directPath }),
    mimetype: image.mimetype,
    fileSha256: Buffer.from(image.sha256, 'hex'),
    fileLength: image.bytes.length,
    width: image.width,
    height: image.height,
    mediaKey: media.mediaKey,
    mediaKeyTimestamp: Math.floor(Date.now() / 1000),
    fileEncSha256: media.fileEncSha256,
    ...(image.thumbnail && { jpegThumbnail: image.thumbnail }),
  }).finish();
  return { sha256Uploaded: media.fileEncSha256.toString('hex'), encoded };
}

function timedOut(): Failure {
  return new Failure('UPLOAD_MEDIA_ERROR', "WhatsApp's media servers did not take the image in time");
}
