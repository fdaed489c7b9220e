/**
 * What went wrong with an S3 request, without the SDK's request and response objects.
 * `code` is the server's word for it (`NoSuchKey`, `AccessDenied`, …), or the network's (`ECONNREFUSED`, `TimeoutError`).
 */
export class S3Error extends Error {
  override name = 'S3Error';
  readonly code: string;
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, code: string, status?: number) {
    super(message);
    this.code = code;
    this.status = status;
  }

  static from(error: unknown): unknown {
    if (error instanceof S3Error || !(error instanceof Error)) return error;
    const status = answeredStatus(error);
    if (status !== undefined) {
      // A HEAD has no body to tell its error; the SDK's name for it is then as good as the status.
      return new S3Error(`the S3 server answered ${status} ${error.name}: ${error.message}`, error.name, status);
    }
    const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
    return new S3Error(`the request to the S3 server failed (${code}): ${error.message}`, code);
  }
}

/** Whether the error is an answer of the S3 server with one of the codes. */
export function isS3Error(error: unknown, ...codes: string[]): error is S3Error {
  return error instanceof S3Error && codes.includes(error.code);
}

function answeredStatus(error: Error): number | undefined {
  if (!('$metadata' in error)) return undefined;
  const { $metadata: metadata } = error;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}
