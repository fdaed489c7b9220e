import { Failure } from '@postern/contract';
import type { RedisObserver } from '@postern/registry';

const RETRY_AFTER_SECONDS = 30;

/** Throws QUEUE_UNAVAILABLE while Redis is too full for more, or would delete what is accepted; `onRefused` is told which. */
export function assertRedisTakesMore(
  { findRefusal }: Pick<RedisObserver, 'findRefusal'>,
  onRefused: (problem: string) => void,
): void {
  const refusal = findRefusal();
  if (!refusal) return;
  onRefused(refusal.problem);
  throw new Failure('QUEUE_UNAVAILABLE', 'The queue takes nothing more at the moment; nothing was accepted', {
    cause: new Error(refusal.message),
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
