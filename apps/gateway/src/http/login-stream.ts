import { type PairingEvent, type PairingParts, watchPairing } from '../devices/pairing.ts';
import type { Exchange } from './exchange.ts';

export interface LoginStreamParts extends PairingParts {
  shuttingDown: AbortSignal;
}

/** Keeps proxies from closing a stream in which nothing happens. */
const HEARTBEAT_MS = 15_000;

/** Server-sent events of a pairing: `qr` for each fresh one, then `paired` or `failed`, and the end. */
export async function streamPairing(
  { response, signal, logger }: Exchange,
  deviceId: string,
  parts: LoginStreamParts,
): Promise<void> {
  response.status(200).set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store' });
  response.set('X-Accel-Buffering', 'no').flushHeaders();
  const heartbeat = setInterval(() => response.write(': still here\n\n'), HEARTBEAT_MS);
  const ending = AbortSignal.any([signal, parts.shuttingDown]);
  try {
    for await (const event of watchPairing(deviceId, parts, ending)) response.write(toServerSentEvent(event));
  } catch (error) {
    if (!ending.aborted) {
      logger.warn({ err: error, device_id: deviceId }, 'pairing stream broke off');
      response.write(toServerSentEvent({ type: 'failed', reason: 'the registry cannot be read at the moment' }));
    }
  } finally {
    clearInterval(heartbeat);
    response.end();
  }
}

function toServerSentEvent(event: PairingEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(toPayload(event))}\n\n`;
}

function toPayload(event: PairingEvent): Record<string, unknown> {
  switch (event.type) {
    case 'qr':
      return { qr: event.qr.qr, expires_in: Math.max(1, Math.round((event.qr.expiresAt - Date.now()) / 1000)) };
    case 'paired':
      return { device_id: event.device.device_id, jid: event.device.jid };
    case 'failed':
      return { message: event.reason };
  }
}
