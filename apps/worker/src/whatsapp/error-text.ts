import { maskNumber } from '@postern/runtime';

/**
 * An error for the log, as text: errors of Baileys carry stanzas and those of ioredis the command with its arguments, so
 * that neither may be logged as an object.
 */
export function errorText(error: unknown): string {
  return error instanceof Error ? maskNumber(`${error.name}: ${error.message}`).slice(0, 200) : typeof error;
}
