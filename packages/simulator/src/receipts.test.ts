import assert from 'node:assert/strict';
import { test } from 'node:test';
import { within } from '@postern/runtime';
import { generateMessageIDV2, type proto, type WASocket } from '@whiskeysockets/baileys';
import { connectClient, openClient, pairClient } from './baileys-client.fixture.ts';
import { startLinkedClient } from './linked-client.fixture.ts';

/** Resolves with the raw receipt's attributes. */
function waitForReceipt(socket: WASocket, id: string, type?: string): Promise<Record<string, string>> {
  const found = new Promise<Record<string, string>>((resolve) => {
    socket.ws.on('CB:receipt', ({ attrs }: { attrs: Record<string, string> }) => {
      if (attrs['id'] === id && attrs['type'] === type) resolve(attrs);
    });
  });
  return within(found, 10_000, () => new Error('no such receipt came'));
}

test('a phone reports delivery by itself, and reading when it is read', async (t) => {
  const { friend, socket } = await startLinkedClient(t);
  const id = generateMessageIDV2();
  const statuses: (number | null | undefined)[] = [];
  socket.ev.on('messages.update', (updates) => {
    for (const { key, update } of updates) if (key.id === id) statuses.push(update.status);
  });
  const delivered = waitForReceipt(socket, id);
  await socket.sendMessage(friend.jid, { text: 'hello' }, { messageId: id });
  assert.equal((await delivered)['from'], friend.jid);
  const read = waitForReceipt(socket, id, 'read');
  friend.read(id);
  await read;
  await new Promise(setImmediate);
  assert.equal(statuses.at(-1), 4);
});

test('in a group each member reports for itself', async (t) => {
  const { simulator, own, friend, socket } = await startLinkedClient(t, { autoReceipts: 'read' });
  const group = simulator.addGroup({ subject: 'Group', members: [own.number, friend.number] });
  const id = generateMessageIDV2();
  const delivered = waitForReceipt(socket, id);
  const read = waitForReceipt(socket, id, 'read');
  await socket.sendMessage(group.jid, { text: 'hello' }, { messageId: id });
  for (const attrs of [await delivered, await read]) {
    assert.deepEqual([attrs['from'], attrs['participant']], [group.jid, friend.lid]);
  }
});

test('a real client as recipient reports delivery and reading', async (t) => {
  const { simulator, own, friend, socket } = await startLinkedClient(t, { autoReceipts: 'none' });
  const peer = await openClient(simulator, await pairClient(simulator, friend));
  t.after(() => peer.end(undefined));
  const id = generateMessageIDV2();
  const upserted = new Promise<void>((resolve) => {
    peer.ev.on('messages.upsert', () => resolve());
  });
  const delivered = waitForReceipt(socket, id);
  await socket.sendMessage(friend.jid, { text: 'hello' }, { messageId: id });
  await delivered;
  await upserted;
  const read = waitForReceipt(socket, id, 'read');
  await peer.readMessages([{ id, remoteJid: own.jid, fromMe: false }]);
  await read;
});

test('a retry receipt makes the client send the message again, under the same id', async (t) => {
  const sent = new Map<string, proto.IMessage>();
  const { friend, simulator, socket } = await startLinkedClient(
    t,
    {},
    { getMessage: async ({ id }) => sent.get(id ?? '') },
  );
  const id = generateMessageIDV2();
  sent.set(id, { conversation: 'hello' });
  await socket.sendMessage(friend.jid, { text: 'hello' }, { messageId: id });
  await friend.waitFor((message) => message.id === id);
  friend.requestRetry(id);
  const again = await friend.waitFor((message) => message.id === id && message.copies === 2);
  assert.equal(again.error, undefined);
  assert.equal(simulator.stats().messages.acked, 2);
});

test('a phone asks again for a message it cannot read, and then reads it', async (t) => {
  const sent = new Map<string, proto.IMessage>();
  const getMessage = async ({ id }: proto.IMessageKey) => sent.get(id ?? '');
  const { friend, auth, socket, own } = await startLinkedClient(t, {}, { getMessage });
  const send = async (text: string) => {
    const id = generateMessageIDV2();
    sent.set(id, { conversation: text });
    await socket.sendMessage(friend.jid, { text }, { messageId: id });
    return friend.waitFor((message) => message.id === id && message.caption === text);
  };
  await send('one');
  const answered = new Promise<void>((resolve) => {
    socket.ev.on('messages.upsert', () => resolve());
  });
  await friend.send(own.number, { text: 'an answer' });
  await answered;
  const address = `${friend.lid.split('@')[0]}_1.0`;
  const before = await auth.keys.get('session', [address]);
  await send('two');
  await auth.keys.set({ session: before });
  const { copies, error } = await send('three');
  assert.deepEqual([copies, error], [2, undefined]);
});

test('a key used twice in a session nobody answered is ignored by the phone', async (t) => {
  const { friend, auth, socket } = await startLinkedClient(t);
  const send = (text: string) => socket.sendMessage(friend.jid, { text });
  await send('one');
  const address = `${friend.lid.split('@')[0]}_1.0`;
  const before = await auth.keys.get('session', [address]);
  await send('two');
  await auth.keys.set({ session: before });
  await send('three');
  await send('four');
  await friend.waitFor(({ caption }) => caption === 'four');
  assert.deepEqual(
    friend.received.map(({ caption }) => caption),
    ['one', 'two', 'four'],
  );
});

test('receipts the client has acknowledged do not come again at its next login', async (t) => {
  const { simulator, own, friend, auth, socket } = await startLinkedClient(t, { autoReceipts: 'read' });
  const group = simulator.addGroup({ subject: 'Group', members: [own.number, friend.number] });
  for (const to of [friend.jid, friend.lid, group.jid]) {
    const id = generateMessageIDV2();
    const read = waitForReceipt(socket, id, 'read');
    await socket.sendMessage(to, { text: 'hello' }, { messageId: id });
    await read;
  }
  await socket.onWhatsApp(friend.jid);
  await socket.end(undefined);
  const again = connectClient(simulator, auth);
  t.after(() => again.end(undefined));
  const offline = new Promise<string | undefined>((resolve) => {
    again.ws.on('CB:ib,,offline', ({ content }: { content: { attrs: Record<string, string> }[] }) =>
      resolve(content[0]?.attrs['count']),
    );
  });
  assert.equal(await offline, '0');
});
