import { Failure } from '@postern/contract';

const RETRY_AFTER_SECONDS = 5;

/**
 * The store is away, full, or refuses: what it holds is not lost, and a later attempt may succeed. `reason` is a code of
 * the system or of the S3 server (`ENOSPC`, `AccessDenied`), or a few words without a path.
 */
export function storageUnavailable(reason: string, cause?: unknown): Failure {
  return new Failure('STORAGE_UNAVAILABLE', `The store of uploaded images cannot be used now (${reason})`, {
    cause,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

/** What the file system refused, as a failure of the store; anything without a code of the system stays itself. */
export function toStorageFailure(error: unknown): unknown {
  const code = systemCode(error);
  return code === undefined ? error : storageUnavailable(code, error);
}

/** E.g. `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
