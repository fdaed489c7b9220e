import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Failure, parseRecipient } from '@postern/contract';
import { delay, within } from '@postern/runtime';
import { connect, outgoing, sendTo, startBench, startLinked, testImage } from './linked-session.fixture.ts';

const person = (number: string) => parseRecipient(number);

async function failureOf(promise: Promise<unknown>, withinMs: number): Promise<Failure> {
  const thrown = await within(promise, withinMs, () => new Error(`still waiting after ${withinMs} ms`)).then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof Failure, String(thrown));
  return thrown;
}

test('an unanswered look-up of devices sends nothing to nobody: it fails, retryable', async (t) => {
  const bench = await startLinked(t, { queryTimeoutMs: 300 });
  const { simulator, friend, opened } = bench;
  const route = await opened.session.lookUp(person(friend.number));
  await opened.session.close();
  // A new socket knows nobody's devices yet.
  const { session } = await connect(bench);
  const image = await session.upload(testImage());
  const relayed: string[] = [];
  simulator.onMessage(({ id }) => relayed.push(id));
  const fault = simulator.faults.add({ kind: 'iq_silence', xmlns: 'usync', count: null });
  const message = outgoing(route, image);
  const failure = await failureOf(
    session.send(message, () => relayed.push('told')),
    5000,
  );
  assert.deepEqual([failure.code, failure.retryable], ['SEND_FAILED', true]);
  assert.deepEqual(relayed, []);
  simulator.faults.remove(fault);
  await session.send(message, () => {});
  const got = await friend.waitFor(({ id }) => id === message.messageId);
  assert.deepEqual([got.error, got.copies], [undefined, 1]);
});

test('unanswered questions for keys fail, retryable, and send nothing', async (t) => {
  const { simulator, friend, opened } = await startLinked(t, { queryTimeoutMs: 300 });
  simulator.faults.add({ kind: 'iq_silence', xmlns: 'encrypt', count: null });
  const failure = await failureOf(opened.session.lookUp(person(friend.number)), 5000);
  assert.deepEqual([failure.code, failure.retryable], ['SEND_FAILED', true]);
});

test('a number that is not on WhatsApp is INVALID_JID, and nothing is sent', async (t) => {
  const { opened } = await startLinked(t);
  for (const nobody of ['6289999999999', '999999999999999@lid']) {
    const failure = await failureOf(opened.session.lookUp(person(nobody)), 5000);
    assert.deepEqual([failure.code, failure.retryable], ['INVALID_JID', false]);
  }
});

for (const kind of ['iq_silence', 'iq_error'] as const) {
  test(`a failed look-up (${kind}) does not mean that nobody is there`, async (t) => {
    const { simulator, friend, opened } = await startLinked(t, { queryTimeoutMs: 300 });
    simulator.faults.add({ kind, xmlns: 'usync', error: 429 });
    const failure = await failureOf(opened.session.lookUp(person(friend.number)), 5000);
    assert.deepEqual([failure.code, failure.retryable], ['SEND_FAILED', true]);
    assert.equal((await opened.session.lookUp(person(friend.number))).jid, friend.jid);
  });

  test(`a failed question for media servers (${kind}) spoils no later upload of the socket`, async (t) => {
    const { simulator, friend, opened } = await startLinked(t, { queryTimeoutMs: 300 });
    simulator.faults.add({ kind, xmlns: 'w:m', error: 500 });
    const failure = await failureOf(opened.session.upload(testImage()), 5000);
    assert.deepEqual([failure.code, failure.retryable], ['UPLOAD_MEDIA_ERROR', true]);
    const { message } = await sendTo(opened.session, friend.number);
    await friend.waitFor(({ id }) => id === message.messageId);
  });
}

const ENDS = [
  ['a stream error', { kind: 'stream_error', code: 503 }],
  ['a broken connection', { kind: 'close' }],
] as const;
for (const [name, fault] of ENDS) {
  test(`${name} while a question waits ends it at once`, async (t) => {
    const { simulator, friend, opened } = await startLinked(t, { queryTimeoutMs: 30_000 });
    simulator.faults.add({ ...fault, xmlns: 'usync' });
    const failure = await failureOf(opened.session.lookUp(person(friend.number)), 2000);
    assert.deepEqual([failure.code, failure.retryable], ['DEVICE_NOT_CONNECTED', true]);
    assert.equal((await opened.until('closed')).reason, 'connection_lost');
  });
}

test('a link that goes silent is closed within a bound, and what waits on it fails first', async (t) => {
  const { simulator, friend, opened } = await startLinked(t, { queryTimeoutMs: 30_000, keepAliveIntervalMs: 500 });
  simulator.faults.add({ kind: 'freeze', xmlns: 'usync' });
  const started = performance.now();
  const failure = await failureOf(opened.session.lookUp(person(friend.number)), 9000);
  assert.equal(failure.code, 'DEVICE_NOT_CONNECTED');
  const closed = await opened.until('closed', 4000);
  assert.deepEqual([closed.reason, closed.code], ['connection_lost', 408]);
  assert.ok(performance.now() - started < 10_000);
});

test('a socket that dies right after the write fails the send, and a resend of the same id arrives once', async (t) => {
  const bench = await startLinked(t, { ackTimeoutMs: 30_000 });
  const { simulator, friend, opened } = bench;
  const [route, image] = await Promise.all([
    opened.session.lookUp(person(friend.number)),
    opened.session.upload(testImage()),
  ]);
  const message = outgoing(route, image);
  simulator.faults.add({ kind: 'close_before_ack', messageId: message.messageId });
  const failure = await failureOf(
    opened.session.send(message, () => {}),
    3000,
  );
  assert.deepEqual([failure.code, failure.retryable], ['DEVICE_NOT_CONNECTED', true]);
  const { session } = await connect(bench);
  await session.send(message, () => {});
  const got = await friend.waitFor(({ id }) => id === message.messageId);
  assert.deepEqual([got.error, got.copies], [undefined, 1]);
});

test('a lost ack is ACK_TIMEOUT; a late one is told; three in a row recycle the socket', async (t) => {
  const options = { ackTimeoutMs: 300, simulator: { autoReceipts: 'none' as const } };
  const { simulator, friend, opened } = await startLinked(t, options);
  simulator.faults.add({ kind: 'delay_ack', delayMs: 600 });
  const timedOut = await failureOf(
    sendTo(opened.session, friend.number, { messageId: '3EB0AAAAAAAAAAAAAAAAAA' }),
    5000,
  );
  assert.deepEqual([timedOut.code, timedOut.retryable], ['ACK_TIMEOUT', true]);
  assert.equal((await opened.until('late_ack')).messageId, '3EB0AAAAAAAAAAAAAAAAAA');
  simulator.faults.add({ kind: 'drop_ack', count: null });
  for (let count = 0; count < 3; count += 1) {
    assert.equal((await failureOf(sendTo(opened.session, friend.number), 5000)).code, 'ACK_TIMEOUT');
  }
  assert.equal((await opened.until('closed')).reason, 'recycled');
});

test('a nack 463 is WA_REACHOUT_TIMELOCK, not retryable; a 479 is final too', async (t) => {
  const { simulator, friend, opened } = await startLinked(t);
  simulator.faults.add({ kind: 'nack', error: 463 });
  const timelock = await failureOf(sendTo(opened.session, friend.number), 5000);
  assert.deepEqual(
    [timelock.code, timelock.retryable, timelock.details['reason']],
    ['WA_REACHOUT_TIMELOCK', false, 463],
  );
  simulator.faults.add({ kind: 'nack', error: 479 });
  const invalid = await failureOf(sendTo(opened.session, friend.number), 5000);
  assert.deepEqual([invalid.code, invalid.retryable, invalid.details['reason']], ['SEND_FAILED', false, 479]);
  const { message } = await sendTo(opened.session, friend.number);
  await friend.waitFor(({ id }) => id === message.messageId);
});

test('an HTTP status on the upgrade closes the session at once', async (t) => {
  const bench = await startBench(t);
  bench.simulator.faults.add({ kind: 'upgrade_status', status: 503 });
  const closed = await bench.open().until('closed', 3000);
  assert.deepEqual([closed.reason, closed.code], ['connection_lost', 503]);
});

test('a server that never answers is given up by the connect watchdog', async (t) => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.after(() => silent.close());
  const address = silent.address();
  assert.ok(typeof address === 'object' && address !== null);
  const bench = await startBench(t, { webSocketUrl: `ws://127.0.0.1:${address.port}/`, connectTimeoutMs: 400 });
  assert.equal((await bench.open().until('closed', 4000)).reason, 'connect_timeout');
});

test('keys that cannot be stored after the write fail nothing that was acknowledged, and are told', async (t) => {
  const writes: boolean[] = [];
  const { redis, keys, friend, opened } = await startLinked(t, { onKeyWrite: (_ms, ok) => writes.push(ok) });
  await sendTo(opened.session, friend.number);
  const sessions = keys.device('device-1').signalKeys('session');
  await redis.rename(sessions, 't:aside');
  await redis.set(sessions, 'not a hash');
  const { message } = await sendTo(opened.session, friend.number);
  await friend.waitFor(({ id }) => id === message.messageId);
  assert.ok(writes.includes(false));
  await redis.rename('t:aside', sessions);
  const after = await sendTo(opened.session, friend.number);
  const got = await friend.waitFor(({ id }) => id === after.message.messageId);
  assert.equal(got.error, undefined, 'the ratchet of this process did not go back');
});

test('a message whose keys came too late for the next owner does not count as sent, although it was acknowledged', async (t) => {
  const onWrite: { run?: () => void } = {};
  const bench = await startLinked(t, { onKeyWrite: () => onWrite.run?.() });
  const { redis, keys, friend, opened } = bench;
  const { message: first } = await sendTo(opened.session, friend.number);
  // Noted in the background after the first message to somebody.
  const noted = async () => (await redis.exists(keys.device('device-1').signalKeys('tctoken'))) === 1;
  while (!(await noted())) await delay(20, t.signal);
  // Redis' two answers may come together, and the end of that write be told only after the first of them is seen.
  await new Promise(setImmediate);
  // The first write of a message is its content, the second one its keys: Redis takes them after the ack.
  onWrite.run = () => {
    delete onWrite.run;
    redis.set(keys.device('device-1').lastHolder, 'worker-other#2').catch(() => {});
    redis.client('PAUSE', 1_000, 'WRITE').catch(() => {});
  };
  const failure = await failureOf(sendTo(opened.session, friend.number), 8_000);
  assert.equal(failure.code, 'DEVICE_NOT_CONNECTED');
  await friend.waitFor(({ id }) => id !== first.messageId);
});

test('a process that died between the write and the commit reuses a ratchet key; the retry receipt is answered', async (t) => {
  const bench = await startLinked(t);
  const { redis, keys, friend, opened } = bench;
  await sendTo(opened.session, friend.number);
  const sessions = keys.device('device-1').signalKeys('session');
  await redis.copy(sessions, 't:before');
  await sendTo(opened.session, friend.number);
  await opened.session.close();
  await redis.rename('t:before', sessions);
  const { session } = await connect(bench);
  const { message, image } = await sendTo(session, friend.number);
  const got = await friend.waitFor(({ id, sha256 }) => id === message.messageId && sha256 === image.sha256);
  assert.equal(got.error, undefined);
});

test('a retry receipt is answered by a later socket, for every device of the recipient', async (t) => {
  const bench = await startLinked(t, { companions: 2 });
  const { friend, opened } = bench;
  const { message, image } = await sendTo(opened.session, friend.number);
  await friend.waitFor(({ id, decryptedBy }) => id === message.messageId && decryptedBy === 3);
  await opened.session.close();
  await connect(bench);
  friend.requestRetry(message.messageId);
  const again = await friend.waitFor(({ id, copies }) => id === message.messageId && copies > 1);
  assert.deepEqual([again.sha256, again.caption, again.error], [image.sha256, 'a caption', undefined]);
});

test("a retry receipt of the account's own phone, and one of a group's member, are answered by a later socket", async (t) => {
  const bench = await startLinked(t);
  const { simulator, own, friend, opened } = bench;
  const group = simulator.addGroup({ subject: 'Group', members: [own.number, friend.number] });
  const toFriend = await sendTo(opened.session, friend.number);
  const toGroup = await sendTo(opened.session, group.jid);
  await own.waitFor(({ id }) => id === toFriend.message.messageId);
  await friend.waitFor(({ id }) => id === toGroup.message.messageId);
  await opened.session.close();
  await connect(bench);
  own.requestRetry(toFriend.message.messageId);
  friend.requestRetry(toGroup.message.messageId);
  const copy = await own.waitFor(({ id, copies }) => id === toFriend.message.messageId && copies > 1);
  const member = await friend.waitFor(({ id, copies }) => id === toGroup.message.messageId && copies > 1);
  assert.deepEqual([copy.error, copy.sha256], [undefined, toFriend.image.sha256]);
  assert.deepEqual([member.error, member.sha256], [undefined, toGroup.image.sha256]);
});

test('our privacy token is noted once per contact, so that later messages ask no more', async (t) => {
  const { redis, keys, friend, opened } = await startLinked(t);
  await sendTo(opened.session, friend.number);
  const tokens = keys.device('device-1').signalKeys('tctoken');
  for (const end = Date.now() + 3000; (await redis.hexists(tokens, friend.lid)) === 0; ) {
    assert.ok(Date.now() < end, 'the token was not noted');
  }
  const noted = JSON.parse((await redis.hgetBuffer(tokens, friend.lid))?.subarray(1).toString() ?? '{}');
  assert.ok(noted.senderTimestamp > 1_700_000_000);
});
