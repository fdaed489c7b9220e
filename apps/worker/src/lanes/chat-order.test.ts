import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChatOrder } from './chat-order.ts';

test('a message goes only after every earlier one of its chat, and other chats do not wait', async () => {
  const order = new ChatOrder();
  const [a1, a2, a3, b1] = [order.take('a'), order.take('a'), order.take('a'), order.take('b')];
  const went: string[] = [];
  const done = [
    a1.ready().then(() => went.push('a1')),
    a2.ready().then(() => went.push('a2')),
    a3.ready().then(() => went.push('a3')),
    b1.ready().then(() => went.push('b1')),
  ];
  // A later message that ends early does not let those after it overtake the first.
  a2.pass();
  await Promise.all([done[0], done[3]]);
  assert.deepEqual(went.toSorted(), ['a1', 'b1']);
  a1.pass();
  await Promise.all(done);
  assert.deepEqual(went.slice(2), ['a2', 'a3']);
  a3.pass();
  a3.pass();
  b1.pass();
  await new Promise(setImmediate);
  assert.equal(order.size, 0);
});
