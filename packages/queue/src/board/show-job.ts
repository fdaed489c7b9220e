import { JOBS } from '@postern/contract';
import { maskNumber } from '@postern/runtime';

/** What the board shows of a job: enough to recognise it, but no caption, no whole number and no URL's path. */
export function showJob(payload: unknown): object {
  const parsed = JOBS['send-image'].safeParse(payload);
  if (!parsed.success) return { unreadable: true };
  const { recipient, image, caption, mentions, accepted_at, expires_at, ...shown } = parsed.data;
  return {
    ...shown,
    recipient: { ...recipient, jid: maskNumber(recipient.jid) },
    image: image.source === 'url' ? { source: 'url', host: toHost(image.url) } : image,
    caption: caption === '' ? '' : `(${Array.from(caption).length} characters)`,
    mentions: mentions.map(maskNumber),
    accepted_at: new Date(accepted_at).toISOString(),
    expires_at: new Date(expires_at).toISOString(),
  };
}

function toHost(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}
