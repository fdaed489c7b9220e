import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { Failure } from '@postern/contract';
import { ALLOWED, assertFails, jpeg } from './assert-download.ts';
import { downloadImage } from './download-image.ts';
import { createHostBreaker } from './host-breaker.ts';
import { serve } from './test-server.ts';

const ENCODINGS: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: zlib.gzipSync,
  'x-gzip': zlib.gzipSync,
  deflate: zlib.deflateSync,
  ' Deflate': zlib.deflateRawSync,
  br: zlib.brotliCompressSync,
  zstd: zlib.zstdCompressSync,
  'gzip, br': (bytes) => zlib.brotliCompressSync(zlib.gzipSync(bytes)),
  'aws-chunked': (bytes) => bytes,
  'gzip,aws-chunked': zlib.gzipSync,
};

for (const [encoding, encode] of Object.entries(ENCODINGS)) {
  test(`what a server sends as "${encoding}" although not asked to is decoded`, async (t) => {
    const origin = await serve(t, (_request, response) => {
      response.setHeader('content-encoding', encoding);
      response.end(encode(jpeg));
    });
    assert.deepEqual((await downloadImage(origin, ALLOWED)).bytes, jpeg);
  });
}

for (const encoding of ['gzip', 'deflate', 'br', 'zstd']) {
  const encode = ENCODINGS[encoding] ?? assert.fail();

  test(`a bomb in ${encoding} is stopped at 16 MiB`, async (t) => {
    const bomb = encode(Buffer.concat([jpeg, Buffer.alloc(60_000_000)]));
    const origin = await serve(t, (_request, response) => {
      response.setHeader('content-encoding', encoding);
      response.end(bomb);
    });
    await assertFails(origin, { code: 'VALIDATION_ERROR', retryable: false, message: /larger than 16777216 bytes/ });
  });

  test(`${encoding} that is cut off or is none is never taken for whole`, async (t) => {
    const whole = encode(jpeg);
    const origin = await serve(t, (request, response) => {
      response.setHeader('content-encoding', encoding);
      response.end(request.url?.startsWith('/cut') ? whole.subarray(0, whole.length / 2) : jpeg);
    });
    await assertFails(`${origin}/cut`, { retryable: true, message: /closed the connection|not encoded as it says/ });
    await assertFails(`${origin}/none`, { retryable: true, message: /not encoded as it says/ });
  });
}

test('an encoding that no browser knows, and too many, are refused by name', async (t) => {
  const origin = await serve(t, (request, response) => {
    response.setHeader('content-encoding', request.url?.startsWith('/many') ? 'gzip,gzip,gzip,gzip' : 'compress');
    response.end(jpeg);
  });
  await assertFails(origin, { retryable: false, message: /encoded as compress, which is not understood/ });
  await assertFails(`${origin}/many`, { retryable: false, message: /encoded as gzip,gzip,gzip,gzip/ });
});

test('TLS to a port that speaks none is called so', async (t) => {
  const origin = await serve(t, (_request, response) => void response.end(jpeg));
  const secure = origin.replace('http:', 'https:');
  await assertFails(secure, { retryable: false, message: /127.0.0.1 does not speak TLS on this port/ });
});

test('a server says when to come again, in seconds or by a date', async (t) => {
  const origin = await serve(t, (request, response) => {
    const isDate = request.url?.startsWith('/date');
    response.writeHead(503, { 'retry-after': isDate ? new Date(Date.now() + 90_000).toUTCString() : '7' });
    response.end();
  });
  const waitOf = async (url: string) => {
    const error = await downloadImage(url, ALLOWED).catch((thrown: unknown) => thrown);
    return error instanceof Failure ? (error.retryAfterSeconds ?? 0) : assert.fail(String(error));
  };
  assert.equal(await waitOf(origin), 7);
  const seconds = await waitOf(`${origin}/date`);
  assert.ok(seconds > 60 && seconds <= 90, String(seconds));
});

test('a host that was silent three times is left alone for a while, then asked by one, and trusted again', async (t) => {
  let answers = false;
  let asked = 0;
  const origin = await serve(t, (_request, response) => {
    asked += 1;
    if (answers) response.end(jpeg);
  });
  let nowMs = 0;
  const breaker = createHostBreaker(() => nowMs);
  const options = { ...ALLOWED, breaker };
  const timedOut = { retryable: true, message: /longer than 100 ms/ };
  for (let n = 0; n < 3; n += 1) await assertFails(origin, timedOut, { timeoutMs: 100, breaker });
  const leftAlone = { retryable: true, message: /has not answered lately/ };
  await assertFails(origin, leftAlone, { breaker });
  assert.equal(asked, 3);
  const failure = await downloadImage(origin, options).catch((thrown: unknown) => thrown);
  assert.deepEqual(failure instanceof Failure && [failure.retryAfterSeconds, failure.maxAttempts], [15, 3]);

  nowMs += 15_000;
  answers = true;
  const probing = downloadImage(origin, options);
  await assertFails(origin, leftAlone, { breaker });
  await probing;
  await Promise.all([downloadImage(origin, options), downloadImage(origin, options)]);
  assert.equal(asked, 6);
});
