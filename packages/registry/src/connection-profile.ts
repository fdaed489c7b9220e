import { startDeadline } from '@postern/runtime';
import type { Command } from 'ioredis';
import type { ConnectOptions } from './connect.ts';
import { toReplyCode } from './reply-code.ts';

const COMMAND_DEADLINE_MS = 600;
/** The server is no master any more, or is becoming something else: a new connection may lead to the right one. */
const MISPLACED = new Set(['READONLY', 'MASTERDOWN', 'LOADING']);

/** What of a connection is the same for one server and for each node of a cluster. */
export function connectionOptions({ name, profile }: ConnectOptions) {
  return {
    connectionName: name,
    connectTimeout: 3_000,
    // How long a server may take to agree to an end; one that is gone never does, and the process would wait for it.
    disconnectTimeout: 250,
    // How often a server that reads its file is asked whether it has.
    maxLoadingRetryTime: 500,
    maxRetriesPerRequest: profile === 'patient' ? null : 1,
  };
}

/** What of a connection is the same for one server, and for the master that sentinels name. */
export function serverOptions(options: ConnectOptions) {
  return {
    ...connectionOptions(options),
    enableOfflineQueue: options.profile === 'patient',
    retryStrategy: retryDelayMs,
    // 2: and to repeat the command, which has certainly not been carried out.
    reconnectOnError: (error: Error) =>
      MISPLACED.has(toReplyCode(error) ?? '') && (options.profile === 'patient' ? 2 : 1),
  };
}

/** Until the next attempt to connect, in milliseconds: up to a second, give or take a quarter. */
export function retryDelayMs(attempt: number): number {
  return Math.min(1000, 50 * attempt) * (0.75 + Math.random() / 2);
}

/** Lets a command fail that is not answered in the profile's time. Takes what ioredis gives to `sendCommand`. */
export function createCommandDeadline({ profile, commandTimeoutMs = COMMAND_DEADLINE_MS }: ConnectOptions) {
  if (profile === 'patient') return () => {};
  return (command: Command) =>
    startDeadline(
      commandTimeoutMs,
      () => command.isSettled,
      () => command.reject(new Error('Command timed out')),
    );
}
