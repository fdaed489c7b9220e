import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { monotonicMs } from './clock.ts';
import { withDeadline } from './deadline.ts';

const missed = () => new Error('no answer');

function block(ms: number): void {
  const startedMs = monotonicMs();
  while (monotonicMs() - startedMs < ms);
}

test('what does not answer is given up after the time', async () => {
  const startedMs = monotonicMs();
  await assert.rejects(withDeadline(new Promise(() => {}), 200, missed), /no answer/);
  assert.ok(monotonicMs() - startedMs >= 195);
});

test('an answer, and a failure, go through', async () => {
  assert.equal(await withDeadline(Promise.resolve(1), 200, missed), 1);
  await assert.rejects(withDeadline(Promise.reject(new Error('refused')), 200, missed), /refused/);
});

test('answers that arrived while our own event loop stood still are not missed, one after the other', async () => {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  const socket = connect(address.port, '127.0.0.1');
  const ask = async () => {
    socket.write('?');
    await once(socket, 'data');
  };
  await ask();
  const conversation = async () => {
    for (let n = 0; n < 2; n += 1) {
      const answer = ask();
      block(250);
      await answer;
    }
    return 'done';
  };
  assert.equal(await withDeadline(conversation(), 200, missed), 'done');
  socket.destroy();
  server.close();
});
