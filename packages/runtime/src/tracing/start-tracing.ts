import type { Logger } from '../logger.ts';
import { NO_TRACING, type Tracing } from './span.ts';
import type { TracingConfig } from './tracing-env.ts';

/** Starts sending traces, if the configuration says where to. Without, OpenTelemetry's code is not even loaded. */
export async function startTracing(
  config: TracingConfig | undefined,
  service: { name: string; id: string; logger: Logger },
): Promise<Tracing> {
  if (config === undefined) return NO_TRACING;
  const { createOtlpTracing } = await import('./otlp-tracing.ts');
  return createOtlpTracing(config, service);
}
