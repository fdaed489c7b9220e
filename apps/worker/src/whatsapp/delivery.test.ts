import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure, newMessageId, parseRecipient } from '@postern/contract';
import { hasContent } from '@postern/registry';
import { type Bench, outgoing, sendTo, startLinked, testImage } from './linked-session.fixture.ts';

/** Waits until the device has seen and kept a message. */
async function untilKept({ redis, keys }: Bench, messageId: string): Promise<void> {
  for (const end = Date.now() + 5000; !(await hasContent(redis, keys, 'device-1', messageId)); ) {
    assert.ok(Date.now() < end, 'the message was not kept');
  }
}

test('a person is reached by LID', async (t) => {
  const { friend, opened } = await startLinked(t);
  const { message, image } = await sendTo(opened.session, friend.lid);
  const got = await friend.waitFor(({ id }) => id === message.messageId);
  assert.deepEqual([got.error, got.sha256], [undefined, image.sha256]);
});

for (const addressing of ['lid', 'pn'] as const) {
  test(`a group addressed by ${addressing} is reached, with its own timer told by the look-up`, async (t) => {
    const { simulator, own, friend, opened } = await startLinked(t, { companions: 1 });
    const third = simulator.addPhone({ number: '6281100000003' });
    const members = [own.number, friend.number, third.number];
    const group = simulator.addGroup({ subject: 'Group', members, addressing, ephemeralSeconds: 86_400 });
    for (let count = 0; count < 2; count += 1) {
      const route = await opened.session.lookUp(parseRecipient(group.jid));
      assert.equal(route.ephemeralSeconds, 86_400);
      const { message, image } = await sendTo(opened.session, group.jid, { ephemeralSeconds: 86_400 });
      for (const phone of [friend, third]) {
        const got = await phone.waitFor(({ id }) => id === message.messageId);
        assert.deepEqual(
          [got.chat, got.error, got.sha256, got.ephemeralSeconds],
          [group.jid, undefined, image.sha256, 86_400],
        );
      }
      const receipt = await opened.until('receipt');
      assert.notEqual(receipt.participant, undefined);
    }
  });
}

test('a group that we are not in, or that is not there, is INVALID_JID', async (t) => {
  const { simulator, friend, opened } = await startLinked(t);
  const other = simulator.addGroup({ subject: 'Other', members: [friend.number] });
  for (const jid of [other.jid, '120363999999999999@g.us']) {
    await assert.rejects(opened.session.lookUp(parseRecipient(jid)), { code: 'INVALID_JID', retryable: false });
  }
});

test('a group whose metadata could not be had is a retryable failure', async (t) => {
  const { simulator, own, friend, opened } = await startLinked(t, { queryTimeoutMs: 300 });
  const group = simulator.addGroup({ subject: 'Group', members: [own.number, friend.number] });
  for (const kind of ['iq_silence', 'iq_error'] as const) {
    simulator.faults.add({ kind, xmlns: 'w:g2', error: 500 });
    await assert.rejects(opened.session.lookUp(parseRecipient(group.jid)), { code: 'SEND_FAILED', retryable: true });
  }
  await opened.session.lookUp(parseRecipient(group.jid));
});

test('view once, forwarded, timer and mentions arrive together', async (t) => {
  const { own, friend, opened } = await startLinked(t);
  const { message } = await sendTo(opened.session, friend.number, {
    viewOnce: true,
    forwarded: true,
    ephemeralSeconds: 7_776_000,
    mentions: [own.number],
  });
  const got = await friend.waitFor(({ id }) => id === message.messageId);
  assert.deepEqual(
    [got.viewOnce, got.forwarded, got.forwardingScore, got.ephemeralSeconds, got.mentions, got.thumbnail],
    [true, true, 1, 7_776_000, [own.jid], undefined],
  );
});

test('a message that was seen and one of ours can be quoted', async (t) => {
  const bench = await startLinked(t);
  const { own, friend, opened } = bench;
  const { id } = await friend.send(own.number, { text: 'a question' });
  await untilKept(bench, id);
  const answer = await sendTo(opened.session, friend.number, { quotedMessageId: id });
  const got = await friend.waitFor((message) => message.id === answer.message.messageId);
  assert.deepEqual([got.quoted?.id, got.quoted?.text], [id, 'a question']);
  assert.equal(await hasContent(bench.redis, bench.keys, 'device-1', answer.message.messageId), true);
  const more = await sendTo(opened.session, friend.number, { quotedMessageId: answer.message.messageId });
  const second = await friend.waitFor((message) => message.id === more.message.messageId);
  assert.deepEqual(
    [second.quoted?.id, second.quoted?.text, second.quoted?.participant],
    [answer.message.messageId, 'a caption', own.jid],
  );
});

test('a quote of an unknown message is refused and nothing is sent', async (t) => {
  const { friend, opened } = await startLinked(t);
  const sending = sendTo(opened.session, friend.number, { quotedMessageId: 'NEVER-SEEN' });
  await assert.rejects(sending, { code: 'VALIDATION_ERROR', retryable: false });
  assert.deepEqual(friend.received, []);
});

test("a chat's timer is learnt from what arrives", async (t) => {
  const bench = await startLinked(t);
  const { own, friend, opened } = bench;
  const recipient = parseRecipient(friend.number);
  assert.equal((await opened.session.lookUp(recipient)).ephemeralSeconds, undefined);
  const { id } = await friend.send(own.number, { text: 'it will vanish', ephemeralSeconds: 86_400 });
  await untilKept(bench, id);
  for (const end = Date.now() + 5000; (await opened.session.lookUp(recipient)).ephemeralSeconds !== 86_400; ) {
    assert.ok(Date.now() < end, 'the timer was not learnt');
  }
});

test('messages of a chat leave in the order of their sends, whatever runs beside them', async (t) => {
  const { simulator, friend, opened } = await startLinked(t);
  const third = simulator.addPhone({ number: '6281100000003' });
  const image = await opened.session.upload(testImage(500));
  const routes = await Promise.all([friend, third].map(({ jid }) => opened.session.lookUp(parseRecipient(jid))));
  const order = new Map<string, string[]>();
  simulator.onMessage(({ id, to }) => order.set(to, [...(order.get(to) ?? []), id]));
  const messages = Array.from({ length: 40 }, (_, index) => {
    const route = routes[index % 2];
    assert.ok(route);
    return outgoing(route, image, { messageId: newMessageId() });
  });
  await Promise.all(messages.map((message) => opened.session.send(message, () => {})));
  for (const { jid } of routes) {
    const sent = messages.filter(({ route }) => route.jid === jid).map(({ messageId }) => messageId);
    assert.deepEqual(order.get(jid), sent);
  }
});

test('nothing can be asked of a session that is closed', async (t) => {
  const { friend, opened } = await startLinked(t);
  await opened.session.close();
  const refused = (thrown: unknown) => thrown instanceof Failure && thrown.code === 'DEVICE_NOT_CONNECTED';
  await assert.rejects(opened.session.lookUp(parseRecipient(friend.number)), refused);
  await assert.rejects(opened.session.upload(testImage()), refused);
  await assert.rejects(opened.session.requestPairingCode(friend.number), refused);
});

test('a message whose ack is lost is sent by the receipt of the phone', async (t) => {
  const { simulator, friend, opened } = await startLinked(t, { ackTimeoutMs: 60_000 });
  simulator.faults.add({ kind: 'drop_ack', to: friend.number, count: null });
  const { message } = await sendTo(opened.session, friend.number);
  assert.equal((await opened.until('receipt')).messageId, message.messageId);
});
