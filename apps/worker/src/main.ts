import { ConfigError, createLogger, runUntilSignal, tuneCollector } from '@postern/runtime';
import { readWorkerConfig } from './config.ts';
import { startWorker } from './worker.ts';

const STOP_GRACE_MS = 15_000;

// Pictures and what is encrypted of them live until they are uploaded. Measured: docs/performance.md, Garbage.
tuneCollector({ roomPercent: 300 });

try {
  const config = readWorkerConfig(process.env);
  const logger = createLogger({ name: 'worker', level: config.logLevel });
  try {
    await runUntilSignal(logger, STOP_GRACE_MS, () => startWorker(config, logger));
  } catch (error) {
    logger.fatal({ err: error }, 'worker failed');
    process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
