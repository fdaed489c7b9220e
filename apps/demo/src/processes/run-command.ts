import { Lifetime } from '@postern/runtime';

/** A command was asked to stop before it was done: SIGINT, SIGTERM or SIGHUP. */
class Interrupted extends Error {
  override name = 'Interrupted';
}

export interface Command {
  lifetime: Lifetime;
  /** Aborts on a signal to this process, or with the error given to `fail`. */
  signal: AbortSignal;
  /** Something it depends on broke: ends the command with this error. */
  fail: (error: Error) => void;
}

/**
 * Runs a command that starts things and may stay up (by waiting for the signal), then releases everything newest first,
 * whatever happened. Exit code: 0 when it returned or was interrupted after `ready`, 130 when interrupted earlier,
 * 1 with the error's message on standard error otherwise. A second Ctrl-C does not cut the release short: each release
 * is bounded by itself.
 */
export async function runCommand(body: (command: Command) => Promise<void>, isReady: () => boolean): Promise<void> {
  const lifetime = new Lifetime();
  const stopping = new AbortController();
  const onSignal = (name: string) => stopping.abort(new Interrupted(name));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  try {
    await body({ lifetime, signal: stopping.signal, fail: (error) => stopping.abort(error) });
  } catch (error) {
    const interrupted = error instanceof Interrupted;
    if (!interrupted) console.error(`\n${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = interrupted ? (isReady() ? 0 : 130) : 1;
    if (interrupted) console.error('\nStopping ...');
  }
  await lifetime.stop().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, onSignal);
}

/** Waits for the signal, keeping the process running, and rejects with its reason. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const keepAlive = setInterval(() => {}, 60_000);
    const finish = () => {
      clearInterval(keepAlive);
      reject(signal.reason as Error);
    };
    if (signal.aborted) finish();
    else signal.addEventListener('abort', finish, { once: true });
  });
}
