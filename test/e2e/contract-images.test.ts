import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { type ImageServer, startImageServer } from '../support/image-server.ts';
import { assertAcceptedFailure, assertRefused, assertSent, type ExpectedFailure } from '../support/message-status.ts';
import { padJpeg, photo } from '../support/pictures.ts';
import { sendImage, sendImageJson } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';

const ATTEMPTS = 2;
const MAX_BYTES = 16 * 1024 * 1024;

let stack: Stack;
let web: ImageServer;
let friend: Phone;
let image: Buffer;
before(async () => {
  web = await startImageServer();
  const workerEnv = { SEND_ATTEMPTS: String(ATTEMPTS), SEND_BACKOFF_MS: '20', DOWNLOAD_TIMEOUT_MS: '1500' };
  stack = await startStack({ workerEnv });
  await stack.pair('my-device', '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  image = await photo();
});
after(async () => {
  await stack.stop();
  await web.stop();
});

const fetchAndSend = (image_url: string) => sendImageJson(stack.url, 'my-device', { phone: friend.number, image_url });
const upload = (bytes: Buffer) => sendImage(stack.url, 'my-device', { phone: friend.number, image: bytes });
const fails = async (image_url: string, expected: ExpectedFailure) =>
  assertAcceptedFailure(stack, 'my-device', await fetchAndSend(image_url), expected);
const downloadFails = (image_url: string, message: RegExp) =>
  fails(image_url, { status: 500, code: 'IMAGE_DOWNLOAD_FAILED', message });

test('a status is told by its number; what may pass is tried again, what will not is not', async () => {
  const status = (code: number) => (_request: unknown, response: ServerResponse) => response.writeHead(code).end();
  await downloadFails(web.serve('/missing', status(404)), /127\.0\.0\.1 answered with status 404/);
  assert.equal(web.hits('/missing'), 1);
  await downloadFails(web.serve('/broken', status(503)), /status 503/);
  assert.equal(web.hits('/broken'), ATTEMPTS);
});

test('a server that recovers between two attempts costs the message nothing', async () => {
  const url = web.serve('/recovers.jpg', (_request, response) => {
    if (web.hits('/recovers.jpg') === 1) response.writeHead(500).end();
    else response.writeHead(200).end(image);
  });
  assertSent(await fetchAndSend(url));
});

test('a name that does not exist, and a port where nobody listens, are told apart', async () => {
  await downloadFails('http://nobody.invalid/a.jpg', /the name nobody\.invalid (was not found|could not be looked up)/);
  await downloadFails('http://127.0.0.1:9/a.jpg', /127\.0\.0\.1 could not be reached \(connection refused\)/);
});

test('a server that is too slow, or breaks off, is told', async () => {
  const never = web.serve('/slow', (_request, response) => response.writeHead(200).write(image.subarray(0, 100)));
  await downloadFails(never, /took longer than 1500 ms/);
  const cut = web.serve('/cut', (_request, response) => {
    response.writeHead(200, { 'Content-Length': image.length });
    response.write(image.subarray(0, 1000), () => response.destroy());
  });
  await downloadFails(cut, /closed the connection before its answer was complete/);
});

test('a redirect to a refused address, to another scheme, or for ever, is told', async () => {
  const to = (location: string) => (_request: unknown, response: ServerResponse) =>
    response.writeHead(302, { Location: location }).end();
  await downloadFails(web.serve('/to-private', to('http://10.0.0.1/a.jpg')), /redirects to a URL that .*private/);
  await downloadFails(web.serve('/to-metadata', to('http://169.254.169.254/latest')), /redirects to a URL that/);
  await downloadFails(web.serve('/to-file', to('file:///etc/passwd')), /redirects to a URL that/);
  await downloadFails(web.serve('/to-itself', to('/to-itself')), /more than 5 redirects/);
});

test('a redirect to a picture is followed', async () => {
  web.serve('/the-picture', image, 'text/plain');
  const redirect = web.serve('/elsewhere', (_request, response) =>
    response.writeHead(307, { Location: '/the-picture' }).end(),
  );
  assertSent(await fetchAndSend(redirect));
});

test('what a URL delivers must be an image within the rules, or the message is refused with its id', async () => {
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"/>');
  const delivered: [string, Buffer, RegExp][] = [
    ['/page.html', Buffer.from('<!doctype html><title>Sorry</title>'), /JPEG, PNG, GIF or WebP/],
    ['/vector.svg', svg, /JPEG, PNG, GIF or WebP/],
    ['/empty', Buffer.alloc(0), /./],
    ['/small.jpg', await photo(47, 100), /47/],
    ['/wide.jpg', await photo(16_001, 48), /16001/],
    ['/large.jpg', padJpeg(image, MAX_BYTES + 1), /16777216/],
  ];
  for (const [path, bytes, message] of delivered) {
    const failed = await fails(web.serve(path, bytes), { status: 400, code: 'VALIDATION_ERROR', message });
    const [error] = (failed['error'] as { errors: { field: string }[] }).errors;
    assert.equal(error?.field, 'image_url', path);
    assert.equal(web.hits(path), 1, 'it is not fetched again');
  }
});

test('a delivery without a length that never ends is cut at the limit', async () => {
  const url = web.serve('/endless.jpg', (_request, response) => {
    const chunk = Buffer.alloc(256 * 1024);
    response.write(image.subarray(0, 2000));
    const pump = () => {
      while (!response.destroyed && response.write(chunk));
      if (!response.destroyed) response.once('drain', pump);
    };
    pump();
  });
  await fails(url, { status: 400, code: 'VALIDATION_ERROR', message: /16777216/ });
});

test('an image whose bytes cannot be decoded is told, by upload and by URL', async () => {
  const truncated = image.subarray(0, Math.floor(image.length / 2));
  const failed = { status: 500, code: 'IMAGE_PROCESSING_FAILED', message: /decoded/ };
  await assertAcceptedFailure(stack, 'my-device', await upload(truncated), failed);
  await fails(web.serve('/truncated.jpg', truncated), failed);
});

test('an upload that breaks a rule is refused before anything is queued', async () => {
  const refused = { status: 400, code: 'VALIDATION_ERROR' };
  await assertRefused(stack, 'my-device', await upload(Buffer.from('not an image')), refused);
  await assertRefused(stack, 'my-device', await upload(await photo(47, 100)), { ...refused, message: /47/ });
  const both = { phone: friend.number, image, image_url: 'https://example.com/a.jpg' };
  await assertRefused(stack, 'my-device', await sendImage(stack.url, 'my-device', both), refused);
  const neither = await sendImage(stack.url, 'my-device', { phone: friend.number });
  await assertRefused(stack, 'my-device', neither, refused);
});

test('a refused address or scheme in image_url is refused before anything is queued', async () => {
  for (const image_url of [
    'http://10.1.2.3/a.jpg',
    'http://[::ffff:10.1.2.3]/a.jpg',
    'http://169.254.169.254/',
    'ftp://example.com/a.jpg',
    'http://user:secret@example.com/a.jpg',
  ]) {
    const answer = await fetchAndSend(image_url);
    await assertRefused(stack, 'my-device', answer, { status: 400, code: 'VALIDATION_ERROR', message: /image_url/ });
    assert.ok(!JSON.stringify(answer).includes('secret'));
  }
});

test('whatever failed, the next image is sent', async () => {
  assertSent(await upload(image));
});
