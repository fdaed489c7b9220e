import { Failure } from '@postern/contract';
import { withArticle } from './check-image-url.ts';
import { RefusedAddressError } from './refused-address-error.ts';

/** Which hop of a download failed, for the message; the host is named, path and query never are. */
export interface Hop {
  hostname: string;
  isRedirect: boolean;
}

/** An IMAGE_DOWNLOAD_FAILED; `cause` is for the log. */
export function downloadFailure(message: string, retryable: boolean, cause?: unknown): Failure {
  return new Failure('IMAGE_DOWNLOAD_FAILED', `The image could not be downloaded: ${message}`, { retryable, cause });
}

/** Statuses below 500 that a later attempt may change: Request Timeout, Too Early, Too Many Requests. */
const PASSING_STATUSES = new Set([408, 425, 429]);

export function statusFailure(status: number, hop: Hop): Failure {
  return downloadFailure(
    `${hop.hostname} answered with status ${status}`,
    status >= 500 || PASSING_STATUSES.has(status),
  );
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
  return downloadFailure(`the answer of ${hop.hostname} was cut off or is not HTTP`, true, error);
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
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
