import { ConfigError } from './env.ts';
import { createLogger, type Logger } from './logger.ts';

interface Stoppable {
  stop(): Promise<void>;
}

export interface ServiceOptions<Config extends { logLevel: string }> {
  /** Which process logs: `gateway`, `worker`, … */
  name: string;
  /** Throws a ConfigError for an environment that is not usable. */
  readConfig: () => Config;
  start: (config: Config, logger: Logger) => Promise<Stoppable>;
  /** How long a stop may take after a signal. */
  stopGraceMs: number;
}

/** How long a process that has crashed may take to release what it holds: shorter than a lease is valid by default. */
const CRASH_GRACE_MS = 5_000;

/**
 * Runs a service until SIGTERM or SIGINT, then stops it and lets the event loop empty. Every other end has exit code 1: a
 * configuration that is not usable, said on standard error; and, said by one `fatal` log line, a start that fails, a stop
 * that fails or outlasts `stopGraceMs` or a second signal, and a crash, after which the service is stopped as far as it can.
 */
export async function runService<Config extends { logLevel: string }>(options: ServiceOptions<Config>): Promise<void> {
  const { name, stopGraceMs } = options;
  let logger = createLogger({ name, level: 'info' });
  let service: Stoppable | undefined;
  onCrash(async (thrown, origin) => {
    logger.fatal({ err: thrown, origin }, 'crashed');
    await service?.stop();
  });
  try {
    const config = options.readConfig();
    logger = createLogger({ name, level: config.logLevel });
    const signalled = untilSignal();
    service = await options.start(config, logger);
    logger.info({ signal: await signalled }, 'stopping');
  } catch (error) {
    if (error instanceof ConfigError) process.stderr.write(`${error.message}\n`);
    else logger.fatal({ err: error }, 'not started');
    process.exitCode = 1;
    setTimeout(() => process.exit(1), stopGraceMs).unref();
    return;
  }
  const lastResort = () => {
    logger.fatal({ grace_ms: stopGraceMs }, 'did not stop in time');
    process.exit(1);
  };
  void untilSignal().then(lastResort);
  setTimeout(lastResort, stopGraceMs).unref();
  try {
    await service.stop();
    logger.info('stopped');
  } catch (error) {
    logger.fatal({ err: error }, 'not stopped cleanly');
    process.exitCode = 1;
  }
}

function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
}

/** Calls `stop` with the first error that nobody caught, and ends the process when it is done or a bound is over. */
function onCrash(stop: (thrown: unknown, origin: string) => Promise<void>): void {
  let hasCrashed = false;
  process.on('uncaughtException', (thrown: unknown, origin) => {
    // What breaks while it stops cannot be told from what the first error left behind.
    if (hasCrashed) return;
    hasCrashed = true;
    const end = () => process.exit(1);
    setTimeout(end, CRASH_GRACE_MS);
    void stop(thrown, origin).then(end, end);
  });
}
