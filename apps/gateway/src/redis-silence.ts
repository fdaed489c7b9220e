import { toReplyCode } from '@postern/registry';
import { withDeadline } from '@postern/runtime';

/** Redis did not answer in time; what was sent may nevertheless have been done. */
class RedisSilentError extends Error {
  override name = 'RedisSilentError';
}

/** Longer than one command may take, shorter than the second within which every request is answered. */
const PATIENCE_MS = 700;

// The last three are of a cluster's client: no node answers, none may be asked, and the slot's node is gone.
const SILENCE =
  /Command timed out|Connection is closed|Stream isn't writeable|Reached the max retries per request|ECONN(REFUSED|RESET)|EPIPE|ETIMEDOUT|ENOTFOUND|Failed to refresh slots|Cluster isn't ready|Too many Cluster redirections/;
/**
 * Redis answers, but takes no commands now: it loads its file, lost its master, is full or read-only, or names a node that
 * cannot be asked.
 */
const REFUSALS = new Set([
  'ASK',
  'CLUSTERDOWN',
  'EXECABORT',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'MOVED',
  'NOREPLICAS',
  'OOM',
  'READONLY',
  'TRYAGAIN',
]);

/** Whether the error means that Redis cannot be worked with now, rather than a defect of ours. */
export function isRedisSilence(error: unknown): boolean {
  if (error instanceof RedisSilentError) return true;
  return error instanceof Error && (SILENCE.test(error.message) || isRedisRefusal(error));
}

/** Whether Redis certainly did not do what it was asked: it said so, or was never asked. */
export function isCertainlyNotWritten(error: unknown): boolean {
  return (
    error instanceof Error &&
    (isRedisRefusal(error) || /Stream isn't writeable|Cluster isn't ready/.test(error.message))
  );
}

function isRedisRefusal(error: Error): boolean {
  return REFUSALS.has(toReplyCode(error) ?? '');
}

/** Rejects with a RedisSilentError when a sequence of commands takes too long. */
export function answering<T>(commands: Promise<T>): Promise<T> {
  return withDeadline(commands, PATIENCE_MS, () => new RedisSilentError('Redis did not answer in time'));
}
