import { z } from 'zod';
import { env } from '../env.ts';

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** OpenTelemetry's own variables, of which tracing needs these; the part of a service's environment that is about traces. */
export const tracingEnv = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/, error: 'expected an http(s) URL' }).optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.url({ protocol: /^https?$/, error: 'expected an http(s) URL' }).optional(),
  OTEL_EXPORTER_OTLP_HEADERS: env.list().transform((pairs, context) => toPairs(pairs, context)),
  OTEL_SERVICE_NAME: z.string().optional(),
  OTEL_RESOURCE_ATTRIBUTES: env.list().transform((pairs, context) => toPairs(pairs, context)),
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number('expected a number from 0 to 1').min(0).max(1).default(1),
  OTEL_SDK_DISABLED: env.boolean(false),
};

const parsed = z.object(tracingEnv);

export interface TracingConfig {
  /** Where spans are posted, as OTLP over HTTP in protobuf. */
  url: string;
  headers: Record<string, string>;
  serviceName: string | undefined;
  resource: Record<string, string>;
  sampler: (typeof SAMPLERS)[number];
  /** The share of traces that are kept, for the samplers that ask for one. */
  ratio: number;
}

/** What the variables say; undefined: without an endpoint nothing is traced. */
export function parseTracingConfig(read: z.output<typeof parsed>): TracingConfig | undefined {
  const base = read.OTEL_EXPORTER_OTLP_ENDPOINT;
  const url = read.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base.replace(/\/$/, '')}/v1/traces`);
  if (url === undefined || read.OTEL_SDK_DISABLED) return undefined;
  return {
    url,
    headers: read.OTEL_EXPORTER_OTLP_HEADERS,
    serviceName: read.OTEL_SERVICE_NAME,
    resource: read.OTEL_RESOURCE_ATTRIBUTES,
    sampler: read.OTEL_TRACES_SAMPLER,
    ratio: read.OTEL_TRACES_SAMPLER_ARG,
  };
}

/** `name=value` pairs, percent-encoded. */
function toPairs(pairs: string[], context: z.RefinementCtx): Record<string, string> {
  const entries = pairs.map((pair) => /^([^=]+)=(.*)$/.exec(pair));
  try {
    return Object.fromEntries(
      entries.map((match) => {
        if (match === null) throw new Error('not a pair');
        return [decodeURIComponent(match[1] ?? '').trim(), decodeURIComponent(match[2] ?? '').trim()];
      }),
    );
  } catch {
    context.addIssue({ code: 'custom', message: 'expected name=value pairs, separated by commas, percent-encoded' });
    return z.NEVER;
  }
}
