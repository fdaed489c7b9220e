import { ConfigError, createLogger, runUntilSignal, tuneCollector } from '@postern/runtime';
import { readConfig } from './config.ts';
import { startGateway } from './gateway.ts';

/** Longer than draining takes. */
const STOP_GRACE_MS = 10_000;

// Uploads pass through in pieces that die young. Measured: docs/performance.md, Garbage.
tuneCollector({ roomPercent: 100, youngPercent: 25 });

try {
  const config = readConfig(process.env);
  const logger = createLogger({ name: 'gateway', level: config.logLevel });
  await runUntilSignal(logger, STOP_GRACE_MS, async () => {
    const gateway = await startGateway(config, logger);
    const { id, port, metricsPort } = gateway;
    logger.info({ gateway_id: id, host: config.host, port, metrics_port: metricsPort }, 'ready');
    return gateway;
  });
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exitCode = 1;
}
