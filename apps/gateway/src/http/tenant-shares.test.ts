import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { delay } from '@postern/runtime';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { ENDLESS_IMAGE } from '../testing/raw-request.ts';
import { sendForm } from '../testing/send-form.ts';

const GREEDY = 'secret-of-the-greedy';
const OTHER = 'secret-of-the-other-one';

let tested: GatewayUnderTest;
const open: { sockets: Socket[]; streams: AbortController } = { sockets: [], streams: new AbortController() };
before(async () => {
  const API_KEYS = `greedy:${GREEDY},other:${OTHER}`;
  tested = await startGatewayUnderTest({ API_KEYS, SYNC_WAIT_MS: '0', UPLOADS_LIMIT: '4' });
  await tested.addDevice('phone');
});
after(async () => {
  for (const socket of open.sockets) socket.destroy();
  open.streams.abort();
  await tested.stop();
});

async function uploadsInFlight(): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${tested.gateway.metricsPort}/metrics`)).text();
  return Number(/^postern_uploads_in_flight (\d+)$/m.exec(metrics)?.[1]);
}

test('a key whose uploads stand still takes half of the slots, and others go on uploading', async () => {
  for (let n = 0; n < 6; n += 1) {
    const socket = connect(tested.gateway.port, '127.0.0.1').on('error', () => {});
    const head = `POST /send/image HTTP/1.1\r\nHost: x\r\nX-Api-Key: ${GREEDY}\r\nContent-Length: 1000000\r\n`;
    socket.write(`${head}Content-Type: multipart/form-data; boundary=x\r\n\r\n${ENDLESS_IMAGE}`);
    open.sockets.push(socket);
  }
  const deadline = Date.now() + 10_000;
  while ((await uploadsInFlight()) < 2) {
    assert.ok(Date.now() < deadline, 'the uploads have begun');
    await delay(20);
  }
  assert.equal((await sendForm(tested.url, {}, { 'x-api-key': GREEDY })).body.code, 'UPLOADS_BUSY');
  assert.equal((await sendForm(tested.url, {}, { 'x-api-key': OTHER })).status, 202);
  assert.equal(await uploadsInFlight(), 2);
});

test('a key that opens streams without an end takes half of them, and others can open one', async () => {
  // Held, because the stream of a response that is garbage ends.
  const responses: Response[] = [];
  const listen = async (key: string) => {
    const options = { headers: { 'x-api-key': key }, signal: open.streams.signal };
    const response = await fetch(`${tested.url}/events`, options);
    responses.push(response);
    return response.status;
  };
  const statuses = await Promise.all(Array.from({ length: 110 }, () => listen(GREEDY)));
  assert.equal(statuses.filter((status) => status === 200).length, 100);
  assert.equal(statuses.filter((status) => status === 429).length, 10);
  assert.equal(await listen(OTHER), 200);
  assert.equal(responses.length, 111);
});
