/** Facts about a span; undefined ones are left out. Never content, credentials or whole numbers. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** A part of one trace: a request, a message, a stage. It must be ended, once. */
export interface Span {
  /** W3C Trace Context of this span, for whoever goes on with the trace; undefined when nothing is traced. */
  readonly traceparent: string | undefined;
  readonly traceId: string | undefined;
  /** Begins a part of this one; `startedAt` in Unix milliseconds, default now. */
  begin(name: string, attributes?: SpanAttributes, startedAt?: number): Span;
  set(attributes: SpanAttributes): void;
  /** `problem`: a code that says what went wrong. */
  end(problem?: string): void;
}

export interface SpanStart {
  /** Who asked: `server` for a request, `consumer` for a job. */
  kind: 'server' | 'consumer';
  /** W3C Trace Context of the span that this one belongs to; what is none begins a trace of its own. */
  traceparent: string | undefined;
  attributes: SpanAttributes;
}

export interface Tracing {
  begin(name: string, start: SpanStart): Span;
  /** Sends what has not been sent, for a bounded time. */
  stop(): Promise<void>;
}

const NO_SPAN: Span = {
  traceparent: undefined,
  traceId: undefined,
  begin: () => NO_SPAN,
  set() {},
  end() {},
};

/** Traces nothing and costs nothing. */
export const NO_TRACING: Tracing = { begin: () => NO_SPAN, stop: () => Promise.resolve() };

/** Runs something as a part of a span; an error ends it with the error's code. */
export async function inSpan<T>(parent: Span, name: string, run: () => Promise<T>): Promise<T> {
  const span = parent.begin(name);
  try {
    const result = await run();
    span.end();
    return result;
  } catch (error) {
    span.end(toProblem(error));
    throw error;
  }
}

/** Codes and names only: messages may say anything. */
function toProblem(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
