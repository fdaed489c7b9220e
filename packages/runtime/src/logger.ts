import { type DestinationStream, type Logger, pino } from 'pino';
import { toOutput } from './log-output.ts';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /** Which process writes: `gateway`, `worker`, … */
  name: string;
  level: string;
  /** Default: standard output. */
  destination?: DestinationStream;
}

/** How deep the causes of an error are followed, and how many of the errors that one gathers are logged. */
const MAX_CAUSES = 5;

/** JSON lines with ISO times and level names. Errors go in the `err` field; their causes are included. */
export function createLogger({ name, level, destination }: LoggerOptions): Logger {
  const options = {
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // No code of ours says `error`; a library's may, and an error's own fields may hold a password.
    serializers: { err: (error: unknown) => toLoggedError(error), error: (error: unknown) => toLoggedError(error) },
  };
  return pino(options, destination ?? toOutput());
}

/**
 * Of an error: kind, code, message, stack and causes, whole numbers masked. Its other fields stay out, because they may hold
 * anything: those of a refused command of Redis hold its arguments.
 */
function toLoggedError(error: unknown, depth = 0): unknown {
  if (typeof error === 'string' || typeof error === 'number') return maskNumber(String(error));
  if (!(error instanceof Error)) return typeof error;
  const { name, message, stack = '', cause } = error;
  const inner = (one: unknown) => toLoggedError(one, depth + 1);
  return {
    type: name,
    ...('code' in error ? { code: error.code } : {}),
    message: maskNumber(message),
    stack: maskNumber(stack),
    ...(cause === undefined || depth >= MAX_CAUSES ? {} : { cause: inner(cause) }),
    ...(error instanceof AggregateError && depth < MAX_CAUSES
      ? { errors: error.errors.slice(0, MAX_CAUSES).map(inner) }
      : {}),
  };
}

/** The last four digits of a number or JID, for log lines: whole numbers never enter a log. */
export function maskNumber(text: string): string {
  return text.replace(/\d{5,}/g, (digits) => `…${digits.slice(-4)}`);
}
