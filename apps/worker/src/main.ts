import { runService, tuneCollector } from '@postern/runtime';
import { readWorkerConfig } from './config.ts';
import { startWorker } from './worker.ts';

// Pictures and what is encrypted of them live until they are uploaded. Measured: docs/performance.md, Garbage.
tuneCollector({ roomPercent: 300 });

await runService({
  name: 'worker',
  readConfig: () => readWorkerConfig(process.env),
  start: startWorker,
  stopGraceMs: 15_000,
});
