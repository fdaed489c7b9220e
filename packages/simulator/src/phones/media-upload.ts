import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { Agent, request } from 'node:https';
import type { proto } from '@whiskeysockets/baileys';
import type { MediaServer } from '../media/media-server.ts';
import { toMediaKeys } from './media-download.ts';

const UPLOAD_MS = 30_000;

/** Encrypts and uploads the pictures phones send. */
export class MediaUploads {
  readonly #media: Pick<MediaServer, 'host' | 'certificatePem' | 'issueAuth'>;
  readonly #agent: Agent;

  constructor(media: Pick<MediaServer, 'host' | 'certificatePem' | 'issueAuth'>) {
    this.#media = media;
    this.#agent = new Agent({ ca: media.certificatePem });
  }

  /** The media fields of the image message. `device` is the uploader's full JID. */
  async upload(image: Buffer, device: string): Promise<proto.Message.IImageMessage> {
    const mediaKey = randomBytes(32);
    const { iv, cipherKey, macKey } = toMediaKeys(mediaKey);
    const cipher = createCipheriv('aes-256-cbc', cipherKey, iv);
    const ciphertext = Buffer.concat([cipher.update(image), cipher.final()]);
    const mac = createHmac('sha256', macKey).update(iv).update(ciphertext).digest().subarray(0, 10);
    const file = Buffer.concat([ciphertext, mac]);
    const fileEncSha256 = createHash('sha256').update(file).digest();
    const token = fileEncSha256.toString('base64url');
    const auth = encodeURIComponent(this.#media.issueAuth(device));
    const answer = await this.#post(`https://${this.#media.host}/mms/image/${token}?auth=${auth}&token=${token}`, file);
    return {
      url: answer.url,
      directPath: answer.direct_path,
      mediaKey,
      mediaKeyTimestamp: Math.floor(Date.now() / 1000),
      fileEncSha256,
      fileSha256: createHash('sha256').update(image).digest(),
      fileLength: image.length,
    };
  }

  stop(): void {
    this.#agent.destroy();
  }

  #post(url: string, body: Buffer): Promise<{ url: string; direct_path: string }> {
    return new Promise((resolve, reject) => {
      const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': body.length };
      const upload = request(url, { method: 'POST', agent: this.#agent, headers, timeout: UPLOAD_MS }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(Buffer.concat(chunks).toString()));
          else reject(new Error(`the media server answered ${response.statusCode}`));
        });
      });
      upload.on('timeout', () => upload.destroy(new Error('the media server did not answer')));
      upload.on('error', reject);
      upload.end(body);
    });
  }
}
