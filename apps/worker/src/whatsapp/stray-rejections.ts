import type { Logger } from '@postern/runtime';

let installed = false;

/**
 * Keeps the process alive when a promise that Baileys left alone is rejected: several of its listeners write to the
 * socket without catching, and by default one that closes at that moment would end every other device of this worker.
 * Rejections of any other origin end the process as ever.
 */
export function tolerateStrayRejections(logger: Logger): void {
  if (installed) return;
  installed = true;
  process.on('unhandledRejection', (reason) => {
    if (!isFromBaileys(reason)) throw reason;
    logger.warn({ err: reason instanceof Error ? reason.name : typeof reason }, 'baileys left a rejection unhandled');
  });
}

/** Baileys also rejects with a bare WebSocket close code. */
function isFromBaileys(reason: unknown): boolean {
  if (typeof reason === 'number') return true;
  return reason instanceof Error && /[\\/](@whiskeysockets[\\/]baileys|libsignal)[\\/]/.test(reason.stack ?? '');
}
