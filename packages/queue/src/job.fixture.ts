import { newMessageId, type SendImageJob } from '@postern/contract';

/** A new message for the device. */
export function jobFor(deviceId: string): SendImageJob {
  return {
    message_id: newMessageId(),
    device_id: deviceId,
    recipient: { kind: 'person', jid: '628123456789@s.whatsapp.net' },
    image: { source: 'url', url: 'http://example.com/a.jpg' },
    caption: '',
    view_once: false,
    compress: false,
    hd: false,
    is_forwarded: false,
    mentions: [],
    accepted_at: Date.now(),
    expires_at: Date.now() + 60_000,
    request_id: 'r',
    reply_to: 'gateway-1',
  };
}
