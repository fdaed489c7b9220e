import { Failure, type FailureCode } from '@postern/contract';
import { isRedisSilence } from '../redis-silence.ts';
import type { Exchange } from './exchange.ts';
import { respond } from './respond.ts';

/** The HTTP status of every failure code: the error table of the API. */
const HTTP_STATUS = {
  VALIDATION_ERROR: 400,
  DEVICE_ID_REQUIRED: 400,
  INVALID_JID: 400,
  AUTHENTICATION_ERROR: 401,
  FORBIDDEN: 403,
  DEVICE_NOT_FOUND: 404,
  MESSAGE_NOT_FOUND: 404,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  IDEMPOTENCY_KEY_CONFLICT: 409,
  CANCELLED: 409,
  NOT_CANCELLABLE: 409,
  DEVICE_ALREADY_EXISTS: 409,
  ALREADY_LOGGED_IN: 409,
  WA_REACHOUT_TIMELOCK: 429,
  QUEUE_FULL: 429,
  RATE_LIMITED: 429,
  UPLOADS_BUSY: 429,
  DEVICE_NOT_CONNECTED: 500,
  IMAGE_DOWNLOAD_FAILED: 500,
  IMAGE_PROCESSING_FAILED: 500,
  UPLOAD_MEDIA_ERROR: 500,
  SEND_FAILED: 500,
  ACK_TIMEOUT: 500,
  EXPIRED: 500,
  DEVICE_DELETED: 500,
  INTERNAL_ERROR: 500,
  QUEUE_UNAVAILABLE: 503,
  STORAGE_UNAVAILABLE: 503,
  ACCEPTANCE_UNKNOWN: 503,
  NO_WORKER: 503,
  GATEWAY_BUSY: 503,
  SHUTTING_DOWN: 503,
} as const satisfies Record<FailureCode, number>;

const RETRY_SOON_SECONDS = 5;

/** Answers whatever a route threw; a defect of ours is logged here, once. */
export function respondWithProblem(exchange: Exchange, thrown: unknown): void {
  const { response, logger, facts } = exchange;
  const failure = toFailure(thrown);
  facts.code = failure.code;
  if (failure.code === 'INTERNAL_ERROR' && failure.cause !== undefined)
    logger.error({ err: failure }, 'request failed');
  else if (failure.code === 'STORAGE_UNAVAILABLE') logger.warn({ err: failure }, 'request failed');
  else if (failure.cause !== undefined) logger.debug({ err: failure }, 'request refused');
  if (failure.retryAfterSeconds !== undefined)
    response.set('Retry-After', String(Math.ceil(failure.retryAfterSeconds)));
  respond(response, expressStatus(thrown) ?? HTTP_STATUS[failure.code], {
    code: failure.code,
    message: failure.message,
    ...(Object.keys(failure.details).length === 0 ? {} : { results: failure.details }),
  });
}

/** The Failure that a route's throw means to the caller. */
function toFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  if (isRedisSilence(thrown)) {
    return new Failure('QUEUE_UNAVAILABLE', 'The queue cannot be reached; nothing was accepted', {
      cause: thrown,
      retryAfterSeconds: RETRY_SOON_SECONDS,
    });
  }
  const status = expressStatus(thrown);
  if (status === 404) return new Failure('NOT_FOUND', 'Not found', { cause: thrown });
  if (status !== undefined) return new Failure('VALIDATION_ERROR', 'The request is malformed', { cause: thrown });
  return Failure.from(thrown);
}

/** Express's own refusals (a path that does not decode, for one) say their status themselves. */
function expressStatus(thrown: unknown): number | undefined {
  if (thrown instanceof Failure || !(thrown instanceof Error) || !('status' in thrown)) return undefined;
  const { status } = thrown;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
