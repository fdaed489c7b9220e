/**
 * Why a request or a message failed: the closed set of codes that the API answers with, and for each whether the worker
 * may try the same message again. A code that is not retryable ends the message at once.
 */
export const FAILURES = {
  VALIDATION_ERROR: { retryable: false },
  DEVICE_ID_REQUIRED: { retryable: false },
  INVALID_JID: { retryable: false },
  AUTHENTICATION_ERROR: { retryable: false },
  FORBIDDEN: { retryable: false },
  DEVICE_NOT_FOUND: { retryable: false },
  MESSAGE_NOT_FOUND: { retryable: false },
  NOT_FOUND: { retryable: false },
  METHOD_NOT_ALLOWED: { retryable: false },
  IDEMPOTENCY_KEY_CONFLICT: { retryable: false },
  CANCELLED: { retryable: false },
  NOT_CANCELLABLE: { retryable: false },
  DEVICE_ALREADY_EXISTS: { retryable: false },
  ALREADY_LOGGED_IN: { retryable: false },
  WA_REACHOUT_TIMELOCK: { retryable: false },
  QUEUE_FULL: { retryable: false },
  RATE_LIMITED: { retryable: false },
  UPLOADS_BUSY: { retryable: false },
  DEVICE_NOT_CONNECTED: { retryable: true },
  IMAGE_DOWNLOAD_FAILED: { retryable: true },
  IMAGE_PROCESSING_FAILED: { retryable: false },
  UPLOAD_MEDIA_ERROR: { retryable: true },
  SEND_FAILED: { retryable: true },
  ACK_TIMEOUT: { retryable: true },
  EXPIRED: { retryable: false },
  DEVICE_DELETED: { retryable: false },
  INTERNAL_ERROR: { retryable: true },
  QUEUE_UNAVAILABLE: { retryable: false },
  STORAGE_UNAVAILABLE: { retryable: true },
  ACCEPTANCE_UNKNOWN: { retryable: false },
  NO_WORKER: { retryable: false },
  GATEWAY_BUSY: { retryable: false },
  SHUTTING_DOWN: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

export type FailureCode = keyof typeof FAILURES;

export function isFailureCode(text: string): text is FailureCode {
  return Object.hasOwn(FAILURES, text);
}

/** One broken rule of one request field: what was got and what is expected. */
export interface FieldError {
  field: string;
  message: string;
}

/** What the API puts into `results` next to the code, e.g. `device_id`, `reason`, `errors`. */
export type FailureDetails = Readonly<Record<string, unknown>> & { readonly errors?: readonly FieldError[] };

export interface FailureOptions {
  /** For the log only; it never reaches a client. */
  cause?: unknown;
  details?: FailureDetails;
  /** Overrides the code's own answer where one case differs, e.g. a download refused for good. */
  retryable?: boolean;
  /** How long the caller, or the next attempt, should wait, in seconds; becomes `Retry-After`. */
  retryAfterSeconds?: number;
  /** Fewer attempts in all than usual are worth it, e.g. because each takes long. */
  maxAttempts?: number;
}

/** A failure with a documented code. `message` is written for the API's caller: no path, stack or secret. */
export class Failure extends Error {
  override name = 'Failure';
  readonly code: FailureCode;
  readonly details: FailureDetails;
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | undefined;
  readonly maxAttempts: number | undefined;

  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.details = options.details ?? {};
    this.retryable = options.retryable ?? FAILURES[code].retryable;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.maxAttempts = options.maxAttempts;
  }

  /** The only funnel for what was thrown: a Failure stays itself, anything else becomes an INTERNAL_ERROR with it as cause. */
  static from(thrown: unknown): Failure {
    if (thrown instanceof Failure) return thrown;
    return new Failure('INTERNAL_ERROR', 'Internal error', { cause: thrown });
  }

  /** A VALIDATION_ERROR about one field. */
  static field(field: string, message: string): Failure {
    return new Failure('VALIDATION_ERROR', `${field}: ${message}`, { details: { errors: [{ field, message }] } });
  }
}
