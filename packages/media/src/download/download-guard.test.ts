import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { ALLOWED, assertFails, jpeg } from './assert-download.ts';
import { downloadImage } from './download-image.ts';
import { serve } from './test-server.ts';

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
