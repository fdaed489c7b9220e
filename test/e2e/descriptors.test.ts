import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const CLIENTS = 300;
let stack: Stack;
before(async () => {
  stack = await startStack({ gatewayOpenFiles: 256 });
});
after(() => stack.stop());

/** One request on a connection that the client keeps open; the status and code of the answer, empty without one. */
async function ask(port: number, path: string): Promise<{ socket: Socket; answer: string }> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await waitUntil('an answer or the end', () => socket.destroyed || /"code":"\w+"/.test(text));
  return { socket, answer: `${text.split(' ')[1] ?? ''} ${/"code":"(\w+)"/.exec(text)?.[1] ?? ''}` };
}

test('more clients than the process may have descriptors are told so, and it goes on saying how it is', async () => {
  const port = Number(stack.gateway.ready['port']);
  const metricsUrl = `http://127.0.0.1:${String(stack.gateway.ready['metrics_port'])}`;
  const clients: Socket[] = [];
  const answers = new Map<string, number>();
  for (let n = 0; n < CLIENTS; n += 1) {
    const { socket, answer } = await ask(port, '/devices');
    clients.push(socket);
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
  assert.deepEqual(Object.fromEntries(answers), { '200 SUCCESS': 96, '503 GATEWAY_BUSY': CLIENTS - 96 });
  assert.equal((await ask(port, '/readyz')).answer, '200 SUCCESS');
  assert.equal((await fetch(`${metricsUrl}/readyz`)).status, 200);
  assert.match(
    await (await fetch(`${metricsUrl}/metrics`)).text(),
    /postern_http_requests_total\{[^}]*status="503"\} 204/,
  );
  for (const socket of clients) socket.destroy();
  await waitUntil('others are served again', async () => (await fetch(`${stack.url}/devices`)).status === 200);
});
