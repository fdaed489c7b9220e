export { backoffMs, type Clock, delay, monotonicMs, startTimer, within } from './clock.ts';
export { type CollectorOptions, tuneCollector } from './collector.ts';
export { startDeadline, withDeadline } from './deadline.ts';
export { readDescriptorLimit } from './descriptor-limit.ts';
export { ConfigError, env, readEnv } from './env.ts';
export { Lifetime, withLifetime } from './lifetime.ts';
export { createLogger, type Logger, type LoggerOptions, maskNumber } from './logger.ts';
export {
  Counter,
  createMetricsRegistry,
  Gauge,
  Histogram,
  type OperationsServer,
  type Registry,
  startOperationsServer,
} from './metrics.ts';
export { runService } from './process.ts';
export { createReadiness, type Readiness, type ReadinessCheck } from './readiness.ts';
export { inSpan, NO_TRACING, type Span, type Tracing } from './tracing/span.ts';
export { startTracing } from './tracing/start-tracing.ts';
export { parseTracingConfig, type TracingConfig, tracingEnv } from './tracing/tracing-env.ts';
