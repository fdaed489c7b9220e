/**
 * The word that Redis' error begins with (`READONLY`, `OOM`, `ERR`), also when a script met it, which Redis 6.2 wraps;
 * undefined when it is no answer of Redis.
 */
export function toReplyCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return /^(?:ERR Error running script .*: -)?([A-Z]{3,}) /.exec(error.message)?.[1];
}
