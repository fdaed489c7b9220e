import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { describe, it, test } from 'node:test';
import { ALLOWED, assertFails, jpeg } from './assert-download.ts';
import { downloadImage } from './download-image.ts';
import { selfSigned, serve, serveRaw } from './test-server.ts';

describe('what is delivered', () => {
  it('comes whole, with its description, asked for politely', async (t) => {
    let asked: Record<string, unknown> = {};
    const origin = await serve(t, (request, response) => {
      asked = { ...request.headers, url: request.url };
      response.end(jpeg);
    });
    const image = await downloadImage(`${origin}/a%20b.jpg?size=l`, { ...ALLOWED, userAgent: 'Postern/1' });
    assert.deepEqual(image.bytes, jpeg);
    const sha256 = createHash('sha256').update(jpeg).digest('hex');
    assert.deepEqual([image.mimetype, image.width, image.height, image.sha256], ['image/jpeg', 640, 480, sha256]);
    assert.equal(asked.url, '/a%20b.jpg?size=l');
    assert.equal(asked['accept-encoding'], 'identity');
    assert.equal(asked['user-agent'], 'Postern/1');
  });

  it('is told by its bytes, whatever name and type say', async (t) => {
    const origin = await serve(t, (request, response) => {
      const isPage = request.url?.startsWith('/page');
      response.setHeader('content-type', isPage ? 'image/jpeg' : 'text/html');
      response.end(isPage ? '<!doctype html><p>Sign in' : jpeg);
    });
    assert.equal((await downloadImage(`${origin}/image.html`, ALLOWED)).mimetype, 'image/jpeg');
    await assertFails(`${origin}/page.jpg`, {
      code: 'VALIDATION_ERROR',
      retryable: false,
      message: /^image_url: .*got an HTML page/,
    });
  });

  it('is never more than 16 MiB, whatever its length is said to be', async (t) => {
    let sent = 0;
    const endless = await serve(t, (_request, response) => {
      response.write(jpeg);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    });
    await assertFails(endless, { code: 'VALIDATION_ERROR', retryable: false, message: /larger than 16777216 bytes/ });
    assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes were taken`);
  });

  it('is refused when empty', async (t) => {
    const origin = await serve(t, (_request, response) => void response.end());
    await assertFails(origin, { code: 'VALIDATION_ERROR', retryable: false, message: /empty file/ });
  });
});

describe('a cut-off answer', () => {
  const head = 'HTTP/1.1 200 OK\r\n';
  const start = jpeg.subarray(0, 3000);
  const closed = /closed the connection before its answer was complete/;
  for (const [name, answer, message] of [
    ['with a length', Buffer.concat([Buffer.from(`${head}Content-Length: ${jpeg.byteLength}\r\n\r\n`), start]), closed],
    ['in chunks', Buffer.concat([Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\nbb8\r\n`), start]), closed],
    ['within its head', Buffer.from('HTTP/1.1 200 OK\r\nContent-'), closed],
    ['that is no HTTP', Buffer.from('220 mail.example ESMTP\r\n'), /is not HTTP/],
    ['of nothing', Buffer.alloc(0), closed],
  ] as const) {
    it(`${name} is never taken for whole, and says how it ended`, async (t) => {
      const ended = await serveRaw(t, answer, (socket) => void socket.end());
      await assertFails(ended, { retryable: true, message });
      const reset = await serveRaw(t, answer, (socket) => void socket.resetAndDestroy());
      const either = new RegExp(`reset the connection|${message.source}`);
      await assertFails(reset, { retryable: true, message: either });
    });
  }

  it('that is a reset is called so', async (t) => {
    const origin = await serveRaw(t, '', (socket) => void socket.resetAndDestroy());
    await assertFails(origin, { retryable: true, message: /127.0.0.1 reset the connection/ });
  });
});

describe('time', () => {
  it('runs out for a server that never answers, drips, or redirects slowly', async (t) => {
    const silent = await serve(t, () => undefined);
    await assertFails(silent, { retryable: true, message: /longer than 200 ms/ }, { timeoutMs: 200 });
    const dripping = await serve(t, (_request, response) => {
      response.write(jpeg.subarray(0, 100));
      const timer = setInterval(() => response.write('x'), 20);
      response.once('close', () => clearInterval(timer));
    });
    await assertFails(dripping, { retryable: true, message: /longer than 200 ms/ }, { timeoutMs: 200 });
  });

  it('runs out for a name that is looked up for ever', async () => {
    const resolve = () => new Promise<string[]>(() => undefined);
    await assertFails(
      'http://slow.example/',
      { retryable: true, message: /longer than 100 ms/ },
      { timeoutMs: 100, resolve },
    );
  });

  it('ends at once when the caller aborts, and the connection with it', async (t) => {
    const abort = new AbortController();
    const closed = new Promise((resolve) => {
      void serve(t, (request) => {
        request.socket.once('close', resolve);
        abort.abort(new Error('shutting down'));
      }).then((origin) => assert.rejects(downloadImage(origin, { ...ALLOWED, signal: abort.signal }), /shutting down/));
    });
    await closed;
    await assert.rejects(downloadImage('http://127.0.0.1/', { ...ALLOWED, signal: abort.signal }), /shutting down/);
  });
});

test('a status says itself, and whether a later attempt may help', async (t) => {
  const origin = await serve(t, (request, response) => {
    response.statusCode = Number(request.url?.slice(1, 4));
    response.end(jpeg);
  });
  for (const status of [400, 401, 403, 404, 410, 451]) {
    await assertFails(`${origin}/${status}`, {
      retryable: false,
      message: new RegExp(`answered with status ${status}`),
    });
  }
  for (const status of [408, 425, 429, 500, 502, 503, 504]) {
    await assertFails(`${origin}/${status}`, {
      retryable: true,
      message: new RegExp(`answered with status ${status}`),
    });
  }
  await assertFails(`${origin}/304`, { retryable: false, message: /status 304/ });
  await assertFails(`${origin}/302`, { retryable: false, message: /status 302/ });
});

test('a port where nobody listens and a name nobody has are told apart', async (t) => {
  const origin = await serve(t, (_request, response) => void response.end());
  const { port } = new URL(origin);
  const resolve = (name: string) =>
    name === 'here.example'
      ? Promise.resolve(['127.0.0.1'])
      : Promise.reject(
          Object.assign(new Error('queryA'), { code: name === 'later.example' ? 'EAI_AGAIN' : 'ENOTFOUND' }),
        );
  await assertFails('http://127.0.0.1:1/', { retryable: true, message: /could not be reached \(connection refused\)/ });
  await assertFails(
    'http://nowhere.example/',
    { retryable: false, message: /the name nowhere.example was not found/ },
    { resolve },
  );
  await assertFails(
    'http://later.example/',
    { retryable: true, message: /later.example could not be looked up/ },
    { resolve },
  );
  const empty = { retryable: false, message: /the name none.example was not found/ };
  await assertFails('http://none.example/', empty, { resolve: () => Promise.resolve([]) });
  await assertFails(
    `http://here.example:${port}/`,
    { code: 'VALIDATION_ERROR', retryable: false, message: /empty/ },
    { resolve },
  );
});

test('a certificate that nobody vouches for is refused', async (t) => {
  const credentials = selfSigned();
  if (!credentials) return t.skip('needs openssl');
  const origin = await serve(t, (_request, response) => void response.end(jpeg), credentials);
  await assertFails(origin, {
    retryable: false,
    message: /the certificate of 127.0.0.1 is not valid \(DEPTH_ZERO_SELF_S/,
  });
});

test('nothing stays open after a download', async (t) => {
  const closed: Promise<unknown>[] = [];
  const origin = await serve(t, (request, response) => {
    closed.push(once(request.socket, 'close'));
    if (request.url === '/moved') response.writeHead(302, { location: '/' });
    response.end(jpeg);
  });
  await downloadImage(`${origin}/moved`, ALLOWED);
  assert.ok(closed.length >= 1);
  await Promise.all(closed);
});
