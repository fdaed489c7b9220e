import { type Logger, maskNumber } from '@postern/runtime';
import type { SocketConfig } from '@whiskeysockets/baileys';

export type BaileysLogger = SocketConfig['logger'];

const MAX_LENGTH = 200;

/**
 * The logger that Baileys gets. Baileys hands over keys, credentials, message content and whole stanzas as fields, so
 * every field is dropped; of the message only text is kept, with numbers masked. Nothing is above debug but its errors,
 * which are warnings here: what they mean for a session is told by the session itself.
 */
export function createBaileysLogger(logger: Logger): BaileysLogger {
  const write = (level: 'warn' | 'debug' | 'trace') => (first: unknown, second?: unknown) => {
    const text = typeof first === 'string' ? first : second;
    if (typeof text === 'string') logger[level]({ source: 'baileys' }, clean(text));
  };
  const own: BaileysLogger = {
    // Baileys prints stanzas as XML when it finds 'trace' here, and unknown frames with 'debug'.
    level: 'info',
    child: () => own,
    trace: () => {},
    debug: write('trace'),
    info: write('debug'),
    warn: write('debug'),
    error: write('warn'),
  };
  return own;
}

function clean(text: string): string {
  return maskNumber(text).slice(0, MAX_LENGTH);
}
