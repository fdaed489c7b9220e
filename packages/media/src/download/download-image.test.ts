import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { describe, it, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Failure } from '@postern/contract';
import { noise } from '../sample-images.ts';
import { type DownloadOptions, downloadImage } from './download-image.ts';
import { selfSigned, serve, serveRaw } from './test-server.ts';

const ALLOWED: DownloadOptions = { allowPrivate: ['127.0.0.1/32'], timeoutMs: 5000, maxRedirects: 3 };
const jpeg = await noise(640, 480).jpeg().toBuffer();

/** Expects the download to fail so; the query's secret is in no message. */
async function assertFails(
  url: string,
  expected: { code?: string; retryable: boolean; message: RegExp },
  options: Partial<DownloadOptions> = {},
): Promise<void> {
  const failing = downloadImage(`${url}${url.includes('?') ? '&' : '?'}token=sekrit`, { ...ALLOWED, ...options });
  await assert.rejects(failing, (error: unknown) => {
    assert.ok(error instanceof Failure, String(error));
    assert.match(error.message, expected.message);
    assert.deepEqual([error.code, error.retryable], [expected.code ?? 'IMAGE_DOWNLOAD_FAILED', expected.retryable]);
    assert.doesNotMatch(JSON.stringify([error.message, error.details]), /sekrit|127\.0\.0\.2/);
    return true;
  });
}

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

  it('is refused when compressed unasked, bombs too', async (t) => {
    const bomb = gzipSync(Buffer.concat([jpeg, Buffer.alloc(50_000_000)]));
    const origin = await serve(t, (_request, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(bomb);
    });
    await assertFails(origin, { retryable: false, message: /compressed as gzip although asked not to/ });
  });
});

describe('a cut-off answer', () => {
  const head = 'HTTP/1.1 200 OK\r\n';
  const start = jpeg.subarray(0, 3000);
  for (const [name, answer] of [
    ['with a length', Buffer.concat([Buffer.from(`${head}Content-Length: ${jpeg.byteLength}\r\n\r\n`), start])],
    ['in chunks', Buffer.concat([Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\nbb8\r\n`), start])],
    ['within its head', Buffer.from('HTTP/1.1 200 OK\r\nContent-')],
    ['that is no HTTP', Buffer.from('220 mail.example ESMTP\r\n')],
    ['of nothing', Buffer.alloc(0)],
  ] as const) {
    it(`${name} is never taken for whole`, async (t) => {
      const ended = await serveRaw(t, answer, (socket) => void socket.end());
      await assertFails(ended, { retryable: true, message: /cut off/ });
      const reset = await serveRaw(t, answer, (socket) => void socket.resetAndDestroy());
      await assertFails(reset, { retryable: true, message: /cut off/ });
    });
  }
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

describe('redirects', () => {
  it('are followed, relative ones too, up to their limit', async (t) => {
    const origin = await serve(t, (request, response) => {
      const [, status, left] = (request.url ?? '').split('?')[0]?.split('/') ?? [];
      if (left === '0') return void response.end(jpeg);
      response.writeHead(Number(status), { location: `/${status}/${Number(left) - 1}` }).end('moved');
    });
    for (const status of [301, 302, 303, 307, 308]) {
      assert.equal((await downloadImage(`${origin}/${status}/3`, ALLOWED)).width, 640);
    }
    await assertFails(`${origin}/302/4`, { retryable: false, message: /more than 3 redirects/ });
    await assertFails(`${origin}/302/1`, { retryable: false, message: /more than 0 redirects/ }, { maxRedirects: 0 });
  });

  it('to what would be refused are refused, by literal, name, scheme or credentials', async (t) => {
    const origin = await serve(t, (request, response) => {
      const location = new URL(request.url ?? '', 'http://x').searchParams.get('to') ?? '';
      response.writeHead(302, { location }).end();
    });
    const resolve = () => Promise.resolve(['127.0.0.2']);
    for (const [target, message] of [
      ['http://127.0.0.2/', /redirects to a URL that points to a loopback address/],
      ['http://169.254.169.254/latest/', /points to a metadata address/],
      ['http://0x7f000002/', /points to a loopback address/],
      ['http://[::1]/', /points to a loopback address/],
      ['//10.0.0.1/', /points to a private address/],
      ['http://inside.example/', /a redirect leads to inside.example, a loopback address/],
      ['file:///etc/passwd', /scheme file:/],
      ['http://user:sekrit@example.com/', /user name or password/],
      ['http://[bad', /invalid URL/],
    ] as const) {
      await assertFails(`${origin}/?to=${encodeURIComponent(target)}`, { retryable: false, message }, { resolve });
    }
  });
});

describe('names', () => {
  it('are refused when any of their addresses is', async () => {
    for (const addresses of [
      ['127.0.0.2'],
      ['10.0.0.1'],
      ['127.0.0.1', '10.0.0.1'],
      ['::1'],
      ['fe80::1%eth0'],
      ['::ffff:169.254.169.254'],
      ['64:ff9b::a00:1'],
      ['0.0.0.0'],
    ]) {
      const resolve = () => Promise.resolve(addresses);
      const message = /the name inside\.example leads to an? [a-z-]+ address, which is not accepted/;
      await assertFails('http://inside.example/', { retryable: false, message }, { resolve });
      await assertFails('https://inside.example/', { retryable: false, message }, { resolve });
    }
  });

  it('that change their address between look-ups are looked up and checked for every connection', async (t) => {
    const origin = await serve(t, (_request, response) => void response.writeHead(302, { location: '/again' }).end());
    const { port } = new URL(origin);
    const answers = [['127.0.0.1'], ['127.0.0.2']];
    const resolve = () => Promise.resolve(answers.shift() ?? assert.fail('looked up once too often'));
    const message = /a redirect leads to rebinding.example, a loopback address/;
    await assertFails(`http://rebinding.example:${port}/`, { retryable: false, message }, { resolve });
    assert.equal(answers.length, 0);
  });

  it('are refused by the address that was really reached', async (t) => {
    const requests: unknown[] = [];
    const { port } = new URL(await serve(t, (request) => void requests.push(request.url)));
    // The system connects 0.0.0.0 to loopback, so the look-up passes here and the socket must not.
    const options = { allowPrivate: ['0.0.0.0/32'], resolve: () => Promise.resolve(['0.0.0.0']) };
    const message = /the name any.example leads to a loopback address/;
    await assertFails(`http://any.example:${port}/`, { retryable: false, message }, options);
    assert.deepEqual(requests, []);
  });

  it('of this machine are looked up by the system', async (t) => {
    const origin = await serve(t, (_request, response) => void response.end(jpeg));
    const { port } = new URL(origin);
    const allowPrivate = ['127.0.0.0/8', '::1/128'];
    assert.equal((await downloadImage(`http://localhost:${port}/`, { ...ALLOWED, allowPrivate })).width, 640);
  });
});

test('a refused URL is a broken field rule', async () => {
  await assertFails('http://127.0.0.2/', {
    code: 'VALIDATION_ERROR',
    retryable: false,
    message: /^image_url: points to a loopback/,
  });
  await assertFails('ftp://example.com/', { code: 'VALIDATION_ERROR', retryable: false, message: /scheme ftp:/ });
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
