import type { Logger } from './logger.ts';

interface Stoppable {
  stop(): Promise<void>;
}

/**
 * Runs a service until SIGTERM or SIGINT, then stops it and lets the event loop empty.
 * A second signal, or a stop that outlasts `graceMs`, ends the process with exit code 1.
 */
export async function runUntilSignal(logger: Logger, graceMs: number, start: () => Promise<Stoppable>): Promise<void> {
  let requested: ((signal: string) => void) | undefined;
  const signalled = new Promise<string>((resolve) => {
    requested = resolve;
  });
  const onSignal = (signal: string) => requested?.(signal);
  process.once('SIGTERM', onSignal);
  process.once('SIGINT', onSignal);
  const service = await start();
  const signal = await signalled;
  logger.info({ signal }, 'stopping');
  const lastResort = () => {
    logger.error({ grace_ms: graceMs }, 'did not stop in time');
    process.exit(1);
  };
  process.once('SIGTERM', lastResort);
  process.once('SIGINT', lastResort);
  setTimeout(lastResort, graceMs).unref();
  await service.stop();
  logger.info('stopped');
}
