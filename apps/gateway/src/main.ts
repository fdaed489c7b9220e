import { runService, tuneCollector } from '@postern/runtime';
import { readConfig } from './config.ts';
import { startGateway } from './gateway.ts';

// Uploads pass through in pieces that die young. Measured: docs/performance.md, Garbage.
tuneCollector({ roomPercent: 100, youngPercent: 25 });

await runService({
  name: 'gateway',
  readConfig: () => readConfig(process.env),
  async start(config, logger) {
    const gateway = await startGateway(config, logger);
    const { id, port, metricsPort } = gateway;
    logger.info({ gateway_id: id, host: config.host, port, metrics_port: metricsPort }, 'ready');
    return gateway;
  },
  // Longer than draining takes.
  stopGraceMs: 10_000,
});
