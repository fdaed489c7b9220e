import { Failure } from '@postern/contract';
import type { Request } from 'express';

export interface BodyWatch {
  /** Rejects when the body grows too large, stands still, is too slow or cut off; never resolves. */
  failed: Promise<never>;
  stop(): void;
}

export interface BodyLimits {
  maxBytes: number;
  /** Thrown when the body is larger. */
  tooLarge: () => Failure;
  /** When it aborts, reading fails with its reason. */
  signal: AbortSignal;
  onBytes?: (count: number) => void;
  /** How long the body may stand still, or arrive slower than 1 KB/s; 30 s unless a test is in a hurry. */
  idleMs?: number;
}

/** A sender that goes silent for this long has gone away; one that is slow for this long keeps others from sending. */
const IDLE_MS = 30_000;
/** The slowest that a body may arrive; a form of 16 MiB must be whole before the request times out anyway. */
const MIN_BYTES_PER_SECOND = 1024;

/** Watches a body that somebody else reads. */
export function watchBody(
  request: Request,
  { maxBytes, tooLarge, signal, onBytes, idleMs = IDLE_MS }: BodyLimits,
): BodyWatch {
  let received = 0;
  let fail: (reason: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  const onSlow = () =>
    fail(new Failure('VALIDATION_ERROR', `The body arrived at less than 1 KB/s for ${idleMs / 1000} s`));
  const timer = setTimeout(onSlow, idleMs);
  let before = 0;
  const pace = setInterval(() => {
    if (received - before < (MIN_BYTES_PER_SECOND * idleMs) / 1000) onSlow();
    before = received;
  }, idleMs);
  const count = (chunk: Buffer) => {
    received += chunk.length;
    onBytes?.(chunk.length);
    timer.refresh();
    if (received > maxBytes) fail(tooLarge());
  };
  const onCut = () => {
    if (!request.complete) fail(new Failure('VALIDATION_ERROR', 'The body was cut off'));
  };
  const onAbort = () => fail(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  request.on('data', count).on('error', onCut).on('close', onCut);
  return {
    failed,
    stop() {
      clearTimeout(timer);
      clearInterval(pace);
      signal.removeEventListener('abort', onAbort);
      // The error listener stays: a connection that is reset later must not end the process.
      request.off('data', count).off('close', onCut);
    },
  };
}

/** Throws before a byte is read when the request itself says that its body is too large, or compressed. */
export function checkDeclaredBody(request: Request, maxBytes: number, tooLarge: () => Failure): void {
  const encoding = request.get('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw Failure.field('Content-Encoding', 'compressed bodies are not accepted; send it as it is');
  }
  if (Number(request.get('content-length') ?? 0) > maxBytes) throw tooLarge();
}

/** Lets a client that asked (`Expect: 100-continue`) send its body: nothing speaks against it so far. */
export function inviteBody(request: Request): void {
  if (/^100-continue$/i.test(request.get('expect') ?? '')) request.res?.writeContinue();
}
