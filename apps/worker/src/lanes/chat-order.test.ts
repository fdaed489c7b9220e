import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChatOrder, type Turn } from './chat-order.ts';

const never = new AbortController().signal;
const connect = () => new AbortController();

/** Notes the turns that became ready, by name. */
function watch(turns: Record<string, Turn>, connection: AbortController) {
  const went: string[] = [];
  const failed: string[] = [];
  for (const [name, turn] of Object.entries(turns)) {
    turn.ready(connection, never).then(
      () => went.push(name),
      () => failed.push(name),
    );
  }
  return { went, failed, settled: () => new Promise(setImmediate) };
}

test('a message goes only after every earlier one of its chat, and other chats do not wait', async () => {
  const order = new ChatOrder();
  const connection = connect();
  const turns = { a1: order.take('a'), a2: order.take('a'), a3: order.take('a'), b1: order.take('b') };
  const { a2, ...watched } = turns;
  const { went, settled } = watch(watched, connection);
  // A later message that ends early does not let those after it overtake the first.
  a2.end();
  await settled();
  assert.deepEqual(went.toSorted(), ['a1', 'b1']);
  turns.a1.relayed(connection);
  await settled();
  assert.deepEqual(went.slice(2), ['a3']);
  for (const turn of [...Object.values(turns), turns.a3]) turn.end();
  assert.equal(order.size, 0);
});

test('what was written to a connection that broke goes first again over the next one', async () => {
  const order = new ChatOrder();
  const [broken, next] = [connect(), connect()];
  const turns = { first: order.take('a'), second: order.take('a') };
  turns.first.relayed(broken);
  turns.second.relayed(broken);
  const { went, settled } = watch(turns, next);
  await settled();
  assert.deepEqual(went, ['first']);
  turns.first.relayed(next);
  await settled();
  assert.deepEqual(went, ['first', 'second']);
});

test('a message that waits stops waiting when its connection breaks, or when it is let go', async () => {
  const order = new ChatOrder();
  const connection = connect();
  const [, second, third] = [order.take('a'), order.take('a'), order.take('a')];
  const release = new AbortController();
  const letGo = third.ready(connect(), release.signal);
  release.abort(new Error('let go'));
  await assert.rejects(letGo, /let go/);
  const { failed, settled } = watch({ second }, connection);
  connection.abort();
  await settled();
  assert.deepEqual(failed, ['second']);
});
