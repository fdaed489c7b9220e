import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { within } from '@postern/runtime';
import { type WAMessage, type WASocket } from '@whiskeysockets/baileys';
import { connectClient, until } from './baileys-client.fixture.ts';
import { startLinkedClient } from './linked-client.fixture.ts';

/** The first message upserted with this id, of either type. */
function waitForMessage(socket: WASocket, match: (message: WAMessage) => boolean): Promise<WAMessage> {
  const found = new Promise<WAMessage>((resolve) => {
    socket.ev.on('messages.upsert', ({ messages }) => {
      const message = messages.find(match);
      if (message) resolve(message);
    });
  });
  return within(found, 10_000, () => new Error('no such message was upserted'));
}

test('a client receives text from a phone, with the timer of the chat', async (t) => {
  const { own, friend, socket } = await startLinkedClient(t);
  const arrived = waitForMessage(socket, ({ message }) => message?.extendedTextMessage?.text === 'hello');
  const { id } = await friend.send(own.number, { text: 'hello', ephemeralSeconds: 86_400 });
  const { key, message, pushName } = await arrived;
  assert.deepEqual([key.id, key.remoteJid, key.fromMe, pushName], [id, friend.jid, false, 'Friend']);
  assert.equal(message?.extendedTextMessage?.contextInfo?.expiration, 86_400);
  const copy = await own.waitFor((received) => received.id === id);
  assert.deepEqual([copy.from, copy.caption, copy.ephemeralSeconds], [friend.number, 'hello', 86_400]);
});

test('a client receives an image from a phone by LID, and in a group', async (t) => {
  const { simulator, own, friend, socket } = await startLinkedClient(t);
  const image = randomBytes(1_000);
  const group = simulator.addGroup({ subject: 'Group', members: [friend.number, own.number] });
  for (const [to, chat] of [
    [own.lid, friend.lid],
    [group.jid, group.jid],
    [group.jid, group.jid],
  ] as const) {
    const arrived = waitForMessage(
      socket,
      ({ message, key }) => Boolean(message?.imageMessage) && key.remoteJid === chat,
    );
    const { id } = await friend.send(to, { image, caption: 'look' });
    const message = await arrived;
    assert.deepEqual([message.key.id, message.message?.imageMessage?.caption], [id, 'look']);
  }
});

test('a client and a phone write to each other in one session', async (t) => {
  const { own, friend, socket } = await startLinkedClient(t);
  for (const round of ['1', '2', '3']) {
    const arrived = waitForMessage(socket, ({ message }) => message?.extendedTextMessage?.text === `to you ${round}`);
    await friend.send(own.number, { text: `to you ${round}` });
    await arrived;
    await socket.sendMessage(friend.jid, { text: `to me ${round}` });
    const got = await friend.waitFor(({ caption }) => caption === `to me ${round}`);
    assert.equal(got.error, undefined);
  }
});

test('what arrives while the client is away waits for its next login', async (t) => {
  const { simulator, own, friend, auth, socket } = await startLinkedClient(t);
  await socket.end(undefined);
  await until(() => simulator.connections().length === 0);
  const { id } = await friend.send(own.number, { text: 'while away' });
  const again = connectClient(simulator, auth);
  const arrived = await waitForMessage(again, ({ key }) => key.id === id);
  assert.equal(arrived.message?.extendedTextMessage?.text, 'while away');
  await again.end(undefined);
  await until(() => simulator.connections().length === 0);
  const third = connectClient(simulator, auth);
  t.after(() => third.end(undefined));
  const next = waitForMessage(third, () => true);
  await friend.send(own.number, { text: 'afterwards' });
  assert.equal((await next).message?.extendedTextMessage?.text, 'afterwards', 'what was receipted does not come again');
});

test('a phone sends a message again to a client that could not read it', async (t) => {
  const { own, friend, auth, socket } = await startLinkedClient(t);
  const first = waitForMessage(socket, ({ message }) => message?.extendedTextMessage?.text === 'one');
  await friend.send(own.number, { text: 'one' });
  await first;
  await auth.keys.set({ session: { [`${friend.lid.split('@')[0]}_1.0`]: null } });
  const second = waitForMessage(socket, ({ message }) => message?.extendedTextMessage?.text === 'two');
  await friend.send(own.number, { text: 'two' });
  await second;
});

test('a client learns the timer of a chat from its phone and of a group from the server', async (t) => {
  const { simulator, own, friend, socket } = await startLinkedClient(t);
  const group = simulator.addGroup({ subject: 'Group', members: [friend.number, own.number] });
  const settings: [string | null | undefined, number | null | undefined][] = [];
  socket.ev.on('messages.upsert', ({ messages }) => {
    for (const { key, message } of messages) {
      if (message?.protocolMessage) settings.push([key.remoteJid, message.protocolMessage.ephemeralExpiration]);
    }
  });
  await friend.send(own.number, { timerSeconds: 604_800 });
  await until(() => settings.length === 1);
  simulator.setGroupTimer(group.jid, 86_400);
  await until(() => settings.length === 2);
  assert.deepEqual(settings, [
    [friend.jid, 604_800],
    [group.jid, 86_400],
  ]);
  assert.equal((await socket.groupMetadata(group.jid)).ephemeralDuration, 86_400);
});
