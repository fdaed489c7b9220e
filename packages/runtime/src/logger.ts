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

/** JSON lines with ISO times and level names. Errors go in the `err` field; their `cause` is included. */
export function createLogger({ name, level, destination }: LoggerOptions): Logger {
  const options = {
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: toLoggedError },
  };
  return pino(options, destination ?? toOutput());
}

/** Of an error: kind, code, message, stack and causes, whole numbers masked. Other fields may hold anything, so they stay out. */
function toLoggedError(error: unknown): unknown {
  if (!(error instanceof Error)) return maskNumber(String(error));
  return {
    type: error.name,
    ...('code' in error ? { code: error.code } : {}),
    message: maskNumber(error.message),
    stack: maskNumber(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: toLoggedError(error.cause) }),
  };
}

/** The last four digits of a number or JID, for log lines: whole numbers never enter a log. */
export function maskNumber(text: string): string {
  return text.replace(/\d{5,}/g, (digits) => `…${digits.slice(-4)}`);
}
