import {
  type Attributes,
  type Context,
  defaultTextMapGetter,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { delay } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { Span, SpanAttributes, Tracing } from './span.ts';
import type { TracingConfig } from './tracing-env.ts';

/** How long stopping waits for a collector. */
const STOP_MS = 2_000;
const EXPORT_TIMEOUT_MS = 10_000;
const EXPORT_INTERVAL_MS = 1_000;
const KINDS = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER } as const;

/**
 * Traces by OpenTelemetry's SDK, sent as OTLP. Parents are passed on by hand, so that nothing follows every promise of the
 * process. A collector that does not answer costs log lines and the spans that wait for it (2,048 at most), nothing else.
 */
export function createOtlpTracing(
  config: TracingConfig,
  { name, id, logger }: { name: string; id: string; logger: Logger },
): Tracing {
  setGlobalErrorHandler((error) => logger.warn({ err: toError(error) }, 'traces not sent'));
  const exporter = new OTLPTraceExporter({
    url: config.url,
    headers: config.headers,
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': config.serviceName ?? name,
      'service.instance.id': id,
      ...config.resource,
    }),
    sampler: toSampler(config),
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: EXPORT_INTERVAL_MS })],
  });
  const tracer = provider.getTracer('postern');
  const propagator = new W3CTraceContextPropagator();

  const wrap = (span: OtelSpan): Span => {
    const context = trace.setSpan(ROOT_CONTEXT, span);
    const { traceId, spanId, traceFlags } = span.spanContext();
    return {
      traceId,
      traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
      begin: (child, attributes = {}, startedAt = Date.now()) =>
        wrap(tracer.startSpan(child, { attributes: toAttributes(attributes), startTime: startedAt }, context)),
      set: (attributes) => void span.setAttributes(toAttributes(attributes)),
      end(problem) {
        if (problem !== undefined) {
          span.setAttribute('error.type', problem);
          span.setStatus({ code: SpanStatusCode.ERROR, message: problem });
        }
        span.end();
      },
    };
  };
  const toContext = (traceparent: string | undefined): Context =>
    traceparent === undefined ? ROOT_CONTEXT : propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter);

  return {
    begin: (spanName, { kind, traceparent, attributes }) =>
      wrap(
        tracer.startSpan(spanName, { kind: KINDS[kind], attributes: toAttributes(attributes) }, toContext(traceparent)),
      ),
    async stop() {
      const bound = new AbortController();
      const stopped = provider
        .shutdown()
        .catch((error: unknown) => logger.warn({ err: toError(error) }, 'traces not sent'));
      await Promise.race([stopped, delay(STOP_MS, bound.signal).catch(() => {})]);
      bound.abort();
    },
  };
}

function toSampler({ sampler, ratio }: TracingConfig): Sampler {
  const root = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio),
  }[sampler.replace('parentbased_', '') as 'always_on' | 'always_off' | 'traceidratio']();
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

function toAttributes(attributes: SpanAttributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)) as Attributes;
}

/** The exporter's errors hold the collector's answer, which may be long; its message says enough. */
function toError(error: unknown): Error {
  return new Error((error instanceof Error ? error.message : String(error)).slice(0, 300));
}
