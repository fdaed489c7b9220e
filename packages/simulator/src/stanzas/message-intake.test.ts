import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateMessageIDV2 } from '@whiskeysockets/baileys';
import { waitForAck } from '../baileys-client.fixture.ts';
import { startLinkedClient } from '../linked-client.fixture.ts';

test('a message whose ack was dropped, sent again under its id, is one message that arrived twice', async (t) => {
  const { simulator, friend, socket } = await startLinkedClient(t);
  const id = generateMessageIDV2();
  simulator.faults.add({ kind: 'drop_ack', messageId: id });
  await socket.sendMessage(friend.jid, { text: 'hello' }, { messageId: id });
  await friend.waitFor((message) => message.id === id);
  const acked = waitForAck(socket, id);
  await socket.sendMessage(friend.jid, { text: 'hello' }, { messageId: id });
  await acked;
  const received = await friend.waitFor((message) => message.id === id && message.copies === 2);
  assert.equal(friend.received.filter((message) => message.id === id).length, 1);
  assert.deepEqual([received.error, received.contents], [undefined, 1]);
});

test('two contents under one id are counted, though only the first is shown', async (t) => {
  const { friend, socket } = await startLinkedClient(t);
  const id = generateMessageIDV2();
  for (const text of ['one', 'another']) await socket.sendMessage(friend.jid, { text }, { messageId: id });
  const received = await friend.waitFor((message) => message.id === id && message.copies === 2);
  assert.deepEqual([received.caption, received.contents], ['one', 2]);
});

test('a rule for one recipient leaves the others alone', async (t) => {
  const { simulator, own, friend, socket } = await startLinkedClient(t);
  simulator.faults.add({ kind: 'nack', error: 463, to: friend.number, count: null });
  const send = async (to: string) => {
    const id = generateMessageIDV2();
    const acked = waitForAck(socket, id);
    await socket.sendMessage(to, { text: 'hello' }, { messageId: id });
    return (await acked)['error'];
  };
  assert.deepEqual([await send(friend.jid), await send(own.jid), await send(friend.jid)], ['463', undefined, '463']);
});
