import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { delay } from '@postern/runtime';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { ENDLESS_IMAGE, endlessBody, sendRaw } from '../testing/raw-request.ts';
import { samplePng } from '../testing/sample-png.ts';
import { sendForm } from '../testing/send-form.ts';

const SIZE = 300 * 1024 * 1024;
const MULTIPART = 'Content-Type: multipart/form-data; boundary=x';
const IMAGE_START = Buffer.concat([Buffer.from(ENDLESS_IMAGE), samplePng()]);

let tested: GatewayUnderTest;
before(async () => {
  tested = await startGatewayUnderTest({ SYNC_WAIT_MS: '100', UPLOADS_LIMIT: '2' });
  await tested.addDevice('phone');
});
after(() => tested.stop());

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, what);
    await delay(20);
  }
}

const BODIES: [name: string, headers: string[], beginning: Buffer | string, isChunked: boolean, most: number][] = [
  ['a form that says it has 300 MB', [MULTIPART, `Content-Length: ${SIZE}`], IMAGE_START, false, 8],
  ['a form of 300 MB without a length', [MULTIPART, 'Transfer-Encoding: chunked'], IMAGE_START, true, 64],
  ['300 MB before the first part', [MULTIPART, 'Transfer-Encoding: chunked'], 'preamble', true, 64],
  ['300 MB that are no image', [MULTIPART, 'Transfer-Encoding: chunked'], ENDLESS_IMAGE, true, 32],
  ['300 MB of JSON', ['Content-Type: application/json', 'Transfer-Encoding: chunked'], '{"caption":"', true, 32],
];
for (const [name, headers, beginning, isChunked, mostMb] of BODIES) {
  test(`${name} is answered 400 without being read to its end`, async () => {
    const rssBefore = process.memoryUsage().rss;
    const answer = await sendRaw(tested.gateway.port, { headers, body: endlessBody(beginning, SIZE), isChunked });
    assert.equal(answer.status, 400, answer.head);
    assert.match(answer.body, /"code":"VALIDATION_ERROR"/);
    assert.match(answer.head, /connection: close/i);
    const writtenMb = answer.written / 1024 / 1024;
    assert.ok(writtenMb < mostMb, `the gateway took ${writtenMb} MB`);
    assert.ok(process.memoryUsage().rss - rssBefore < 150 * 1024 * 1024);
    await until(async () => (await tested.storedFiles()).length === 0, 'nothing is stored');
    assert.equal(await tested.laneSize('phone'), 0);
  });
}

test('a refusal for other reasons does not read a large body either', async () => {
  const headers = [MULTIPART, 'Transfer-Encoding: chunked', 'X-Device-Id: nobody'];
  const answer = await sendRaw(tested.gateway.port, { headers, body: endlessBody(IMAGE_START, SIZE), isChunked: true });
  assert.equal(answer.status, 404);
  assert.ok(answer.written < 32 * 1024 * 1024);
});

test('a client that waits for permission is refused without sending its body', async () => {
  const headers = [MULTIPART, `Content-Length: ${SIZE}`, 'Expect: 100-continue', 'Connection: close'];
  const answer = await sendRaw(tested.gateway.port, { headers, body: [] });
  assert.equal(answer.status, 400);
});

test('a client that goes away during its upload leaves nothing', async () => {
  const socket = connect(tested.gateway.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    `POST /send/image HTTP/1.1\r\nHost: localhost\r\n${MULTIPART}\r\nContent-Length: 9000000\r\n\r\n${ENDLESS_IMAGE}`,
  );
  socket.write(samplePng(300, 300));
  await until(async () => (await tested.storedFiles()).length === 1, 'the upload has begun');
  socket.destroy();
  await until(async () => (await tested.storedFiles()).length === 0, 'nothing is stored');
  assert.equal(await tested.laneSize('phone'), 0);
});

test('more uploads at once than allowed are UPLOADS_BUSY, and a slot is free again afterwards', async () => {
  const open = () => {
    const socket = connect(tested.gateway.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `POST /send/image HTTP/1.1\r\nHost: localhost\r\n${MULTIPART}\r\nContent-Length: 9000000\r\n\r\n${ENDLESS_IMAGE}`,
    );
    socket.write(samplePng());
    return socket;
  };
  const sockets = [open(), open()];
  await until(async () => (await tested.storedFiles()).length === 2, 'both uploads have begun');
  const busy = await sendForm(tested.url);
  assert.equal(busy.status, 429);
  assert.equal(busy.body.code, 'UPLOADS_BUSY');
  assert.ok(Number(busy.headers.get('retry-after')) > 0);
  for (const socket of sockets) socket.destroy();
  await until(async () => (await tested.storedFiles()).length === 0, 'both uploads are gone');
  const accepted = await sendForm(tested.url);
  assert.equal(accepted.status, 202);
});

const ODD: [name: string, request: string, status: number, code: string][] = [
  ['what is not HTTP', 'this is not HTTP\r\n\r\n', 400, 'VALIDATION_ERROR'],
  ['a request without a Host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'VALIDATION_ERROR'],
  ['an unmethodical request', 'BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'VALIDATION_ERROR'],
  ['a request for a proxy', 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n', 405, 'METHOD_NOT_ALLOWED'],
  ['headers without an end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'VALIDATION_ERROR'],
  [
    'another expectation',
    'POST /send/image HTTP/1.1\r\nHost: x\r\nExpect: a miracle\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    400,
    'VALIDATION_ERROR',
  ],
];
for (const [name, request, status, code] of ODD) {
  test(`${name} gets an envelope too`, async () => {
    const socket = connect(tested.gateway.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString();
    });
    socket.write(request);
    await new Promise((resolve) => socket.once('close', resolve));
    assert.match(received, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(received, /^x-request-id: \S+\r$/im);
    assert.match(received, new RegExp(`"code":"${code}"`));
  });
}
