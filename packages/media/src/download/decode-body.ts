import { pipeline, type Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { downloadFailure, type Hop } from './download-failure.ts';

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib.createGunzip(),
  'x-gzip': () => zlib.createGunzip(),
  br: () => zlib.createBrotliDecompress(),
  zstd: () => zlib.createZstdDecompress(),
};
/** How a store's own uploads are framed; what comes out of it is not. */
const HARMLESS = new Set(['', 'identity', 'aws-chunked']);
const MAX_ENCODINGS = 3;

/**
 * The body as it was before its Content-Encoding, in the encodings that browsers know: servers use them although they were
 * asked not to. It is not bounded: whoever reads it stops at the most it accepts. Throws IMAGE_DOWNLOAD_FAILED for others.
 */
export function decodeBody(body: Readable, contentEncoding: string, hop: Hop): AsyncIterable<Buffer> {
  const encodings = contentEncoding
    .toLowerCase()
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => !HARMLESS.has(encoding));
  const unknown = encodings.find((encoding) => encoding !== 'deflate' && DECODERS[encoding] === undefined);
  if (unknown !== undefined || encodings.length > MAX_ENCODINGS) {
    const shown = contentEncoding.slice(0, 32);
    throw downloadFailure(`${hop.hostname} sent it encoded as ${shown}, which is not understood`, false);
  }
  return encodings.reduceRight<AsyncIterable<Buffer>>((source, encoding) => {
    const create = DECODERS[encoding];
    return create ? through(source, create()) : inflate(source);
  }, body);
}

/** Browsers take deflate with and without the header that its definition asks for. */
async function* inflate(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const chunks = source[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done) return;
  const isWrapped = ((first.value[0] ?? 0) & 0x0f) === 8;
  async function* all() {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  yield* through(all(), isWrapped ? zlib.createInflate() : zlib.createInflateRaw());
}

/** Whatever breaks the source breaks the reader, too, and the other way round. */
function through(source: AsyncIterable<Buffer>, decoder: Transform): AsyncIterable<Buffer> {
  pipeline(source, decoder, () => {});
  return decoder;
}
