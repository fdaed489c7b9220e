import { DEFAULT_CONNECTION_CONFIG } from '@whiskeysockets/baileys';

const ANSWER_MS = 5_000;

/** Whether WhatsApp's server answers from here: anything, to a request without an account. */
export async function canReach(webSocketUrl = String(DEFAULT_CONNECTION_CONFIG.waWebSocketUrl)): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    await fetch(webSocketUrl.replace(/^ws/, 'http'), { method: 'HEAD', redirect: 'manual', signal });
    return true;
  } catch {
    return false;
  }
}
