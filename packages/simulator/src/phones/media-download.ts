import { createDecipheriv, createHash, createHmac, hkdfSync } from 'node:crypto';
import { Agent, get } from 'node:https';
import type { proto } from '@whiskeysockets/baileys';

const MAC_BYTES = 10;
const DOWNLOAD_MS = 30_000;

export interface DownloadedMedia {
  bytes: Buffer;
  /** Hex. */
  sha256: string;
  /** Hex, of the encrypted file. */
  sha256Uploaded: string;
}

export interface MediaDownloadsOptions {
  /** `127.0.0.1:PORT` */
  host: string;
  /** PEM of the authority to trust. */
  certificatePem: string;
  /** Decrypted bytes kept for further messages with the same upload. */
  maxCachedBytes: number;
}

/** Downloads, verifies and decrypts pictures over HTTPS; the same upload only once while it is remembered. */
export class MediaDownloads {
  readonly #host: string;
  readonly #maxCachedBytes: number;
  readonly #agent: Agent;
  readonly #certificatePem: string;
  readonly #media = new Map<string, Promise<DownloadedMedia>>();
  #cachedBytes = 0;

  constructor({ host, certificatePem, maxCachedBytes }: MediaDownloadsOptions) {
    this.#host = host;
    this.#certificatePem = certificatePem;
    this.#maxCachedBytes = maxCachedBytes;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 16, ca: certificatePem });
  }

  /** Rejects when the download fails or its length, hashes or authentication code are not as the message states. */
  fetch(image: proto.Message.IImageMessage): Promise<DownloadedMedia> {
    const key = [image.directPath, hex(image.mediaKey), hex(image.fileSha256), hex(image.fileEncSha256)].join(' ');
    const known = this.#media.get(key);
    if (known) return known;
    const media = this.#download(image);
    this.#media.set(key, media);
    media.then(
      ({ bytes }) => this.#account(key, bytes.length),
      () => this.#media.delete(key),
    );
    return media;
  }

  stop(): void {
    this.#agent.destroy();
    this.#media.clear();
  }

  #account(key: string, bytes: number): void {
    this.#cachedBytes += bytes;
    if (this.#cachedBytes <= this.#maxCachedBytes) return;
    const kept = this.#media.get(key);
    this.#media.clear();
    if (kept) this.#media.set(key, kept);
    this.#cachedBytes = bytes;
  }

  async #download(image: proto.Message.IImageMessage): Promise<DownloadedMedia> {
    const { directPath, mediaKey } = image;
    if (!directPath || !mediaKey) throw new Error('the message names no media');
    const file = await this.#get(`https://${this.#host}${directPath}`);
    return open(file, image, mediaKey);
  }

  #get(url: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const request = get(url, { agent: this.#agent, ca: this.#certificatePem, timeout: DOWNLOAD_MS }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(Buffer.concat(chunks));
          else reject(new Error(`the media server answered ${response.statusCode}`));
        });
      });
      request.on('timeout', () => request.destroy(new Error('the media server did not answer')));
      request.on('error', reject);
    });
  }
}

function open(file: Buffer, image: proto.Message.IImageMessage, mediaKey: Uint8Array): DownloadedMedia {
  const uploaded = createHash('sha256').update(file).digest();
  if (hex(image.fileEncSha256) !== uploaded.toString('hex')) throw new Error('fileEncSha256 does not match the upload');
  const { iv, cipherKey, macKey } = toMediaKeys(mediaKey);
  const ciphertext = file.subarray(0, -MAC_BYTES);
  const mac = createHmac('sha256', macKey).update(iv).update(ciphertext).digest().subarray(0, MAC_BYTES);
  if (!mac.equals(file.subarray(-MAC_BYTES))) throw new Error('the authentication code of the media is wrong');
  const decipher = createDecipheriv('aes-256-cbc', cipherKey, iv);
  const bytes = Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (hex(image.fileSha256) !== sha256) throw new Error('fileSha256 does not match the picture');
  return { bytes, sha256, sha256Uploaded: uploaded.toString('hex') };
}

/** The keys a picture is encrypted with, derived from its media key. */
export function toMediaKeys(mediaKey: Uint8Array): { iv: Buffer; cipherKey: Buffer; macKey: Buffer } {
  const keys = Buffer.from(hkdfSync('sha256', mediaKey, '', 'WhatsApp Image Keys', 112));
  return { iv: keys.subarray(0, 16), cipherKey: keys.subarray(16, 48), macKey: keys.subarray(48, 80) };
}

function hex(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}
