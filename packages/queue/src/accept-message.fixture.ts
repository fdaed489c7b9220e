import { newMessageId } from '@postern/contract';
import { createMessages, type Keys } from '@postern/registry';
import type { Redis } from 'ioredis';
import { createProducer } from './producer.ts';

const PHONE = '628123456789@s.whatsapp.net';

/** Puts a message into the device's lane, record and job, as if it had been accepted at that time; answers its id. */
export async function acceptMessage(redis: Redis, keys: Keys, deviceId: string, createdAt: number): Promise<string> {
  const ids = { message_id: newMessageId(), device_id: deviceId };
  const expires_at = createdAt + 3_600_000;
  const record = { ...ids, phone: PHONE, state: 'queued' as const, attempts: 0, created_at: createdAt, expires_at };
  await createMessages(redis, keys, { recordTtlMs: 60_000 }).create(record);
  const flags = { view_once: false, compress: false, hd: false, is_forwarded: false };
  const producer = createProducer({ redis, keys });
  await producer.enqueue({
    ...ids,
    ...flags,
    recipient: { kind: 'person', jid: PHONE },
    image: { source: 'url', url: 'http://example.com/a.jpg' },
    caption: '',
    mentions: [],
    accepted_at: createdAt,
    expires_at,
    request_id: 'r',
    reply_to: 'g',
  });
  await producer.stop();
  return ids.message_id;
}
