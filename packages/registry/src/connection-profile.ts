import type { ConnectOptions } from './connect.ts';

/** What of a connection is the same for one server and for each node of a cluster. */
export function commandOptions({ name, profile, commandTimeoutMs = 600 }: ConnectOptions) {
  return {
    connectionName: name,
    // How long a server may take to agree to an end; one that is gone never does, and the process would wait for it.
    disconnectTimeout: 250,
    ...(profile === 'patient'
      ? { maxRetriesPerRequest: null }
      : { maxRetriesPerRequest: 1, commandTimeout: commandTimeoutMs }),
  };
}

/** Until the next attempt to connect, in milliseconds: up to a second, give or take a quarter. */
export function retryDelayMs(attempt: number): number {
  return Math.min(1000, 50 * attempt) * (0.75 + Math.random() / 2);
}
