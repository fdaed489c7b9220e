import { deviceJid } from '../accounts/device.ts';
import type { MediaServer } from '../media/media-server.ts';
import type { QueryHandler } from './query.ts';

const TTL_SECONDS = '3600';

/** `w:m`: which host takes uploads, and the authorisation to use it. */
export function createMediaHandler(media: Pick<MediaServer, 'host' | 'issueAuth'>): QueryHandler {
  return (device) => [
    {
      tag: 'media_conn',
      attrs: { auth: media.issueAuth(deviceJid(device)), ttl: TTL_SECONDS, auth_ttl: TTL_SECONDS, max_buckets: '12' },
      content: [{ tag: 'host', attrs: { hostname: media.host, maxContentLengthBytes: '67108864' } }],
    },
  ];
}
