import { Failure, type FailureOptions } from '@postern/contract';
import { withArticle } from './check-image-url.ts';
import { RefusedAddressError } from './refused-address-error.ts';

/** Which hop of a download failed, for the message; the host is named, path and query never are. */
export interface Hop {
  hostname: string;
  isRedirect: boolean;
}

/** An IMAGE_DOWNLOAD_FAILED; `cause` is for the log. */
export function downloadFailure(
  message: string,
  retryable: boolean,
  cause?: unknown,
  more: Pick<FailureOptions, 'maxAttempts' | 'retryAfterSeconds'> = {},
): Failure {
  const text = `The image could not be downloaded: ${message}`;
  return new Failure('IMAGE_DOWNLOAD_FAILED', text, { retryable, cause, ...more });
}

/** Statuses below 500 that a later attempt may change: Request Timeout, Too Early, Too Many Requests. */
const PASSING_STATUSES = new Set([408, 425, 429]);

/** `retryAfter` is the header: how long the server wants the next attempt to wait. */
export function statusFailure(status: number, retryAfter: string | undefined, hop: Hop): Failure {
  const retryable = status >= 500 || PASSING_STATUSES.has(status);
  const retryAfterSeconds = retryable ? parseRetryAfter(retryAfter) : undefined;
  const more = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return downloadFailure(`${hop.hostname} answered with status ${status}`, retryable, undefined, more);
}

/** Seconds, or a date; undefined when it is neither. */
function parseRetryAfter(text = ''): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - Date.now()) / 1000);
}

/** Failed look-ups, refused addresses and connections that broke, as the caller should read them. */
export function transportFailure(error: unknown, hop: Hop): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof RefusedAddressError) {
    const address = `${withArticle(error.kind)} address, which is not accepted`;
    return hop.isRedirect
      ? downloadFailure(`a redirect leads to ${hop.hostname}, ${address}`, false, error)
      : downloadFailure(`the name ${hop.hostname} leads to ${address}`, false, error);
  }
  const code = codeOf(error);
  if (code === 'ENOTFOUND') return downloadFailure(`the name ${hop.hostname} was not found`, false, error);
  if (code === 'EAI_AGAIN') return downloadFailure(`the name ${hop.hostname} could not be looked up`, true, error);
  if (/^CERT_|CERT|^ERR_TLS|SIGNATURE/.test(code)) {
    return downloadFailure(`the certificate of ${hop.hostname} is not valid (${code})`, false, error);
  }
  const unreachable = CONNECTION_ERRORS[code];
  if (unreachable) return downloadFailure(`${hop.hostname} could not be reached (${unreachable})`, true, error);
  if (/^(EPROTO$|ERR_SSL_)/.test(code)) {
    return downloadFailure(`${hop.hostname} does not speak TLS on this port (${code})`, false, error);
  }
  if (error instanceof Error && error.name === 'HTTPParserError')
    return downloadFailure(`the answer of ${hop.hostname} is not HTTP`, true, error);
  if (code === 'ECONNRESET') return downloadFailure(`${hop.hostname} reset the connection`, true, error);
  if (/^(Z_DATA|Z_NEED|ERR__ERROR|ERR_BROTLI|ERR_ZSTD|ZSTD_)/.test(code)) {
    return downloadFailure(`the answer of ${hop.hostname} is not encoded as it says (${code})`, true, error);
  }
  return downloadFailure(`${hop.hostname} closed the connection before its answer was complete`, true, error);
}

const CONNECTION_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
};

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  // What ended a body is the cause of its end.
  if (error instanceof Error && error.cause instanceof Error) return codeOf(error.cause);
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
