import { Failure } from '@postern/contract';
import type { Response } from 'express';
import { maySee } from '../auth/authenticator.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { Exchange, Route } from './exchange.ts';
import { createShares } from './shares.ts';

export interface EventsParts {
  changes: Pick<ChangeFeed, 'listen'>;
  /** Whether several keys share the streams. */
  isShared: boolean;
  /** Aborts when the gateway begins to shut down. */
  shuttingDown: AbortSignal;
}

const MAX_STREAMS = 200;
/** Keeps proxies from closing a stream in which nothing happens. */
const HEARTBEAT_MS = 15_000;
/** After this the client proves itself anew, by connecting again. */
const MAX_AGE_MS = 3_600_000;
/** What a client has not read yet; above it nothing is written, and it is told the newest state of things later. */
const MAX_UNREAD_BYTES = 256 * 1024;
/** A client that reads nothing for so long is gone. */
const MAX_STUCK_MS = 60_000;
/** How soon a browser connects again. */
const RECONNECT_MS = 2_000;

/** `GET /events`: what the key may see of devices, lanes and messages, first as it is, then as it changes. */
export function eventRoutes(parts: EventsParts): Route[] {
  const streams = createShares(MAX_STREAMS, parts);
  const handle: Route['handle'] = async (exchange) => {
    const release = streams.take(exchange.principal.name);
    if (!release) {
      throw new Failure('RATE_LIMITED', `All ${MAX_STREAMS} streams of this gateway, or this key's share, are open`, {
        retryAfterSeconds: 10,
      });
    }
    await stream(exchange, parts).finally(release);
  };
  return [{ method: 'get', path: '/events', access: 'read', handle }];
}

async function stream({ request, response, principal, proof, signal }: Exchange, parts: EventsParts): Promise<void> {
  response.status(200).set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store' });
  response.set('X-Accel-Buffering', 'no').flushHeaders();
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const cut = new AbortController();
  const end = () => cut.abort();
  const timers = [setInterval(() => response.write(': still here\n\n'), HEARTBEAT_MS), setTimeout(end, MAX_AGE_MS)];
  response.write(`retry: ${RECONNECT_MS}\n\n`);
  const { name, actions } = principal;
  write(response, 'hello', { now: new Date().toISOString(), name, actions: [...actions], session: proof === 'cookie' });

  let version = 0;
  let told: boolean | undefined;
  let stuckSince: number | undefined;
  const listening = parts.changes.listen({
    sees: (deviceId) => maySee(principal, deviceId),
    onRound(isFresh) {
      if (response.writableLength > MAX_UNREAD_BYTES) {
        stuckSince ??= performance.now();
        if (performance.now() - stuckSince > MAX_STUCK_MS) end();
        return;
      }
      stuckSince = undefined;
      if (isFresh) {
        const news = listening.since(version);
        for (const { event, data } of news.facts) write(response, event, data);
        version = news.version;
      }
      if (isFresh !== told) write(response, isFresh ? 'synced' : 'stale', {});
      told = isFresh;
    },
  });
  try {
    await untilAborted(AbortSignal.any([signal, parts.shuttingDown, cut.signal]));
  } finally {
    listening.stop();
    for (const timer of timers) clearTimeout(timer);
    if (stuckSince === undefined) response.end();
    else response.destroy();
  }
}

function write(response: Response, event: string, data: object): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
