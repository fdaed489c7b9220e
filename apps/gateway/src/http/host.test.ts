import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';

let tested: GatewayUnderTest;
before(async () => {
  tested = await startGatewayUnderTest();
});
after(() => tested.stop());

async function statusOf(head: string): Promise<number> {
  const socket = connect(tested.gateway.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString();
  });
  socket.write(`${head}\r\nConnection: close\r\n\r\n`);
  await once(socket, 'close');
  assert.match(answer, /"code":"(SUCCESS|VALIDATION_ERROR)"/);
  return Number(answer.split(' ')[1]);
}

test('a request names one host, and one that can be', async () => {
  const get = 'GET /healthz HTTP/1.1';
  const accepted = ['localhost', 'gateway.example:8080', '[::1]:3000', 'a_b-c.d', ''];
  for (const host of accepted) assert.equal(await statusOf(`${get}\r\nHost: ${host}`), 200, host);
  for (const host of ['a b/c', 'a/b', 'user@host', 'a?b', 'ä']) {
    assert.equal(await statusOf(`${get}\r\nHost: ${host}`), 400, host);
  }
  assert.equal(await statusOf(get), 400);
  assert.equal(await statusOf(`${get}\r\nHost: a\r\nHost: b`), 400);
  assert.equal(await statusOf(`${get}\r\nHost: a\r\nhost: a`), 400);
  assert.equal(await statusOf('GET /healthz HTTP/1.0'), 200);
});
