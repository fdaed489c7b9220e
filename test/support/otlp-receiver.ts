import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type ProtobufField, readFields } from './protobuf-fields.ts';

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  /** Empty for the first of a trace. */
  parentId: string;
  name: string;
  kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  startMs: number;
  endMs: number;
  attributes: Record<string, string | number | boolean>;
  isError: boolean;
  /** `service.name` of the process that sent it. */
  service: string;
}

export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  url: string;
  spans: ReceivedSpan[];
  /** The headers of every post. */
  headers: IncomingMessage['headers'][];
  /** What was posted, as bytes, to look for what must not be in it. */
  bodies: Buffer[];
  stop(): Promise<void>;
}

/** A collector: takes OTLP over HTTP in protobuf and decodes it as opentelemetry-proto's trace.proto has it. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const received: Pick<OtlpReceiver, 'spans' | 'headers' | 'bodies'> = { spans: [], headers: [], bodies: [] };
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const isTraces = request.method === 'POST' && request.url === '/v1/traces';
      if (!isTraces || request.headers['content-type'] !== 'application/x-protobuf') {
        return response.writeHead(404).end();
      }
      received.headers.push(request.headers);
      received.bodies.push(body);
      received.spans.push(...parts(body, 1).flatMap(toSpans));
      return response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    ...received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const KINDS: ReceivedSpan['kind'][] = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'];

function parts(message: Buffer, number: number): Buffer[] {
  return readFields(message).flatMap((field) =>
    field.number === number && Buffer.isBuffer(field.value) ? [field.value] : [],
  );
}

function toSpans(resourceSpans: Buffer): ReceivedSpan[] {
  const [resource = Buffer.alloc(0)] = parts(resourceSpans, 1);
  const service = String(toAttributes(parts(resource, 1))['service.name']);
  return parts(resourceSpans, 2)
    .flatMap((scope) => parts(scope, 2))
    .map((span) => toSpan(span, service));
}

function toSpan(bytes: Buffer, service: string): ReceivedSpan {
  const fields = new Map<number, ProtobufField['value']>(readFields(bytes).map(({ number, value }) => [number, value]));
  const text = (number: number, encoding: BufferEncoding) => {
    const value = fields.get(number);
    return Buffer.isBuffer(value) ? value.toString(encoding) : '';
  };
  const status = fields.get(15);
  const code = Buffer.isBuffer(status) ? readFields(status).find(({ number }) => number === 3)?.value : undefined;
  return {
    traceId: text(1, 'hex'),
    spanId: text(2, 'hex'),
    parentId: text(4, 'hex'),
    name: text(5, 'utf8'),
    kind: KINDS[Number(fields.get(6) ?? 0)] ?? 'internal',
    startMs: Number(fields.get(7)) / 1e6,
    endMs: Number(fields.get(8)) / 1e6,
    attributes: toAttributes(parts(bytes, 9)),
    isError: code === 2n,
    service,
  };
}

function toAttributes(pairs: Buffer[]): ReceivedSpan['attributes'] {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key] = parts(pair, 1);
      const [any = Buffer.alloc(0)] = parts(pair, 2);
      return [key?.toString() ?? '', toValue(readFields(any)[0])];
    }),
  );
}

/** AnyValue's first field is what it holds: 1 text, 2 boolean, 3 integer, 4 double. */
function toValue(field: ProtobufField | undefined): string | number | boolean {
  if (Buffer.isBuffer(field?.value)) return field.value.toString();
  if (field?.number === 2) return field.value === 1n;
  if (field?.number === 4) return new Float64Array(BigUint64Array.of(field.value).buffer)[0] ?? Number.NaN;
  return Number(field?.value ?? 0);
}
