import { Failure } from '@postern/contract';
import type { PreparedImage } from '@postern/media';
import type { OutgoingMessage, Session } from '../whatsapp/whatsapp.ts';

/** A session whose sends end as the script says, one entry per send; it remembers what it was given. */
export function createSession(script: (Failure | 'acked')[]) {
  const sent: OutgoingMessage[] = [];
  const uploads: string[] = [];
  const session: Session = {
    signal: new AbortController().signal,
    state: 'connected',
    requestPairingCode: () => Promise.reject(new Error('not pairing')),
    lookUp: async (recipient) => ({ recipient, jid: recipient.jid, ephemeralSeconds: undefined }),
    isOnWhatsApp: async () => true,
    knows: () => true,
    learn: async () => {},
    upload: async (image) => {
      uploads.push(image.sha256);
      return { sha256Uploaded: 'u', encoded: new Uint8Array() };
    },
    send: async (message, onRelayed) => {
      sent.push(message);
      onRelayed();
      const result = script.shift();
      if (result instanceof Failure) throw result;
      return { acknowledgedAt: 42 };
    },
    logout: async () => {},
    close: async () => {},
  };
  return { session, sent, uploads };
}

export const prepared: PreparedImage = {
  bytes: Buffer.from('x'),
  mimetype: 'image/jpeg',
  width: 48,
  height: 48,
  sha256: 's',
  thumbnail: Buffer.from('t'),
  notes: ['turned'],
  inputBytes: 1,
};
