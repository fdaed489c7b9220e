import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { delay } from '@postern/runtime';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { ENDLESS_IMAGE } from '../testing/raw-request.ts';
import { samplePng } from '../testing/sample-png.ts';
import { type Answer, sendForm } from '../testing/send-form.ts';

let tested: GatewayUnderTest;
beforeEach(async () => {
  tested = await startGatewayUnderTest({ SYNC_WAIT_MS: '1500' });
  await tested.addDevice('phone');
});
afterEach(async () => {
  signalRedis('SIGCONT');
  await tested.stop();
});

function signalRedis(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
  try {
    process.kill(tested.server.pid, signal);
  } catch (error) {
    // A Redis that was killed already.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function timed(answering: Promise<Answer>): Promise<Answer & { elapsedMs: number }> {
  const startedMs = performance.now();
  const answer = await answering;
  return { ...answer, elapsedMs: performance.now() - startedMs };
}

async function readiness(): Promise<number> {
  return (await fetch(`${tested.url}/readyz`)).status;
}

/** Begins an upload, and answers how to end it. */
async function beginUpload(): Promise<{ socket: Socket; finish: () => Promise<Answer['body'] & { status: number }> }> {
  const body = Buffer.concat([Buffer.from(ENDLESS_IMAGE), samplePng(), Buffer.from('\r\n--x--\r\n')]);
  const socket = connect(tested.gateway.port, '127.0.0.1');
  const headers = [
    'Connection: close',
    'Content-Type: multipart/form-data; boundary=x',
    `Content-Length: ${body.length}`,
  ];
  socket.write(`POST /send/image HTTP/1.1\r\nHost: localhost\r\n${headers.join('\r\n')}\r\n\r\n`);
  socket.write(body.subarray(0, body.length - 100));
  const deadline = Date.now() + 5_000;
  while ((await tested.storedFiles()).length === 0 && Date.now() < deadline) await delay(10);
  return {
    socket,
    async finish() {
      let received = '';
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString();
      });
      socket.write(body.subarray(body.length - 100));
      await once(socket, 'close');
      const [head = '', json = ''] = received.split('\r\n\r\n');
      return { status: Number(head.split(' ')[1]), ...(JSON.parse(json) as Answer['body']) };
    },
  };
}

test('with a dead Redis a send is QUEUE_UNAVAILABLE within a second, and the gateway is alive but not ready', async () => {
  signalRedis('SIGKILL');
  const answer = await timed(sendForm(tested.url));
  assert.equal(answer.status, 503);
  assert.equal(answer.body.code, 'QUEUE_UNAVAILABLE');
  assert.ok(Number(answer.headers.get('retry-after')) > 0);
  assert.ok(answer.elapsedMs < 1000, `took ${answer.elapsedMs} ms`);
  assert.deepEqual(await tested.storedFiles(), []);
  assert.equal(await readiness(), 503);
  assert.equal((await fetch(`${tested.url}/healthz`)).status, 200);
});

test('with a stopped Redis a send is QUEUE_UNAVAILABLE within a second, and accepted when Redis goes on', async () => {
  signalRedis('SIGSTOP');
  const answer = await timed(sendForm(tested.url));
  assert.equal(answer.body.code, 'QUEUE_UNAVAILABLE');
  assert.ok(answer.elapsedMs < 1000, `took ${answer.elapsedMs} ms`);
  assert.deepEqual(await tested.storedFiles(), []);
  assert.equal(await readiness(), 503);
  signalRedis('SIGCONT');
  const later = await sendForm(tested.url, {}, { prefer: 'respond-async' });
  assert.equal(later.status, 202);
});

test('when Redis stops before anything was written, nothing is kept', async () => {
  const { finish } = await beginUpload();
  signalRedis('SIGSTOP');
  const startedMs = performance.now();
  const answer = await finish();
  assert.ok(performance.now() - startedMs < 1000);
  assert.equal(answer.status, 503);
  assert.equal(answer.code, 'QUEUE_UNAVAILABLE');
  assert.deepEqual(await tested.storedFiles(), []);
});

test('when Redis takes no more writes, a send is QUEUE_UNAVAILABLE within a second, and nothing is kept or sent later', async () => {
  await tested.redis.call('CLIENT', 'PAUSE', '2000', 'WRITE');
  const answer = await timed(sendForm(tested.url));
  assert.ok(answer.elapsedMs < 1000, `took ${answer.elapsedMs} ms`);
  assert.equal(answer.status, 503);
  assert.equal(answer.body.code, 'QUEUE_UNAVAILABLE');
  assert.deepEqual(await tested.storedFiles(), []);
  await tested.redis.set('written', 'again');
  assert.equal(await tested.laneSize('phone'), 0);
  assert.deepEqual(await tested.redis.keys('test:{phone}:message:*'), []);
});

test('when Redis dies after the upload began, nothing was written and nothing is kept', async () => {
  const { finish } = await beginUpload();
  signalRedis('SIGKILL');
  await delay(50); // the gateway's connection must have seen the end
  const answer = await finish();
  assert.equal(answer.code, 'QUEUE_UNAVAILABLE');
  assert.deepEqual(await tested.storedFiles(), []);
});

test('a Redis that stops while somebody waits does not end the wait: the message was accepted', async () => {
  const sending = timed(sendForm(tested.url));
  const deadline = Date.now() + 5_000;
  while ((await tested.laneSize('phone')) === 0 && Date.now() < deadline) await delay(10);
  signalRedis('SIGSTOP');
  const answer = await sending;
  assert.equal(answer.status, 202);
  assert.ok(answer.elapsedMs < 4000, `took ${answer.elapsedMs} ms`);
});

test('a Redis that is full takes no message: nothing is accepted or kept', async () => {
  await tested.redis.config('SET', 'maxmemory', '1');
  const answer = await sendForm(tested.url, { caption: 'between us' });
  assert.equal(answer.status, 503);
  assert.equal(answer.body.code, 'QUEUE_UNAVAILABLE');
  assert.deepEqual(await tested.storedFiles(), []);
  const log = tested.logLines().join('\n');
  assert.match(log, /OOM/);
  assert.ok(!log.includes('between us'), 'what Redis refused is not logged');
});
