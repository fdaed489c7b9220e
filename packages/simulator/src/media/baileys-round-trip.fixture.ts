import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { downloadContentFromMessage, getWAUploadToServer, prepareWAMessageMedia } from '@whiskeysockets/baileys';
import { pino } from 'pino';

/**
 * A process of its own, because only NODE_EXTRA_CA_CERTS, read at start, makes the global fetch trust an authority.
 * Arguments: the media server's host and an auth. Uploads random bytes as Baileys does, downloads and compares them;
 * prints `{ equal, url, direct_path }`.
 */
const [hostname = '', auth = ''] = process.argv.slice(2);
const image = randomBytes(300_000);
const upload = getWAUploadToServer(
  { customUploadHosts: [], logger: pino({ level: 'silent' }), options: {} } as never,
  async () => ({ auth, ttl: 300, hosts: [{ hostname, maxContentLengthBytes: 0 }], fetchDate: new Date() }),
);
const content = { image, jpegThumbnail: 'AA==', width: 10, height: 10, mimetype: 'image/jpeg' };
const { imageMessage } = await prepareWAMessageMedia(content, { upload });
const downloaded = await buffer(await downloadContentFromMessage(imageMessage as never, 'image'));
const result = { equal: downloaded.equals(image), url: imageMessage?.url, direct_path: imageMessage?.directPath };
process.stdout.write(JSON.stringify(result));
