import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '@postern/contract';
import { monotonicMs } from '@postern/runtime';
import { Acks } from './acks.ts';

const CHAT = '628111111111@s.whatsapp.net';

function createAcks(ackTimeoutMs = 50) {
  const controller = new AbortController();
  const seen: string[] = [];
  const acks = new Acks({
    ackTimeoutMs,
    clock: monotonicMs,
    signal: controller.signal,
    onLateAck: (id) => seen.push(`late ${id}`),
    onDevicesChanged: (jid) => seen.push(`devices ${jid}`),
    onSilence: () => seen.push('silence'),
  });
  const receive = (attrs: Record<string, string>) => acks.receive({ tag: 'ack', attrs });
  return { acks, controller, seen, receive };
}

const failure = (code: string, retryable: boolean, reason?: number) => (thrown: unknown) => {
  assert.ok(thrown instanceof Failure);
  assert.deepEqual([thrown.code, thrown.retryable, thrown.details['reason']], [code, retryable, reason]);
  return true;
};

test('an ack of this id without an error resolves with its time', async () => {
  const { acks, receive } = createAcks();
  const { acknowledged, relayed } = acks.expect('A', CHAT);
  relayed();
  receive({ id: 'B', t: '1' });
  receive({ id: 'A', t: '1700000000' });
  assert.equal(await acknowledged, 1_700_000_000_000);
});

test('an ack that comes before the relay is known to be written counts', async () => {
  const { acks, receive } = createAcks();
  const { acknowledged } = acks.expect('A', CHAT);
  receive({ id: 'A', t: '2' });
  assert.equal(await acknowledged, 2000);
});

const NACKS: [string, string, boolean][] = [
  ['463', 'WA_REACHOUT_TIMELOCK', false],
  ['479', 'SEND_FAILED', false],
  ['400', 'SEND_FAILED', false],
  ['403', 'SEND_FAILED', false],
  ['404', 'INVALID_JID', false],
  ['421', 'SEND_FAILED', true],
  ['429', 'SEND_FAILED', true],
  ['500', 'SEND_FAILED', true],
  ['503', 'SEND_FAILED', true],
  ['475', 'SEND_FAILED', false],
];
for (const [error, code, retryable] of NACKS) {
  test(`a nack ${error} is ${code}, ${retryable ? 'retryable' : 'final'}`, async () => {
    const { acks, receive } = createAcks();
    const { acknowledged } = acks.expect('A', CHAT);
    receive({ id: 'A', error });
    await assert.rejects(acknowledged, failure(code, retryable, Number(error)));
  });
}

test('no ack in time is ACK_TIMEOUT, and the ack that comes later is told once', async () => {
  const { acks, receive, seen } = createAcks(10);
  const { acknowledged, relayed } = acks.expect('A', CHAT);
  relayed();
  await assert.rejects(acknowledged, failure('ACK_TIMEOUT', true));
  receive({ id: 'A', t: '5' });
  receive({ id: 'A', t: '5' });
  receive({ id: 'never sent', t: '5' });
  assert.deepEqual(seen, ['late A']);
});

test('the end of the session rejects every wait with its reason', async () => {
  const { acks, controller } = createAcks();
  const waits = ['A', 'B'].map((id) => acks.expect(id, CHAT));
  for (const { relayed } of waits) relayed();
  const reason = new Failure('DEVICE_NOT_CONNECTED', 'gone');
  controller.abort(reason);
  for (const { acknowledged } of waits) await assert.rejects(acknowledged, (thrown) => thrown === reason);
});

test('three waits in a row without any ack are told as silence', async () => {
  const { acks, seen, receive } = createAcks(5);
  const timeOut = async (id: string) => {
    const { acknowledged, relayed } = acks.expect(id, CHAT);
    relayed();
    await assert.rejects(acknowledged);
  };
  await timeOut('A');
  await timeOut('B');
  receive({ id: 'unrelated' });
  await timeOut('C');
  await timeOut('D');
  assert.deepEqual(seen, []);
  await timeOut('E');
  assert.deepEqual(seen, ['silence']);
});

test('an ack with another device hash tells whose devices changed', () => {
  const { receive, seen } = createAcks();
  receive({ id: 'A', from: '628111111111@s.whatsapp.net', phash: '2:abcd' });
  assert.deepEqual(seen, ['devices 628111111111@s.whatsapp.net']);
});

test('the chat of a message that is waited for counts, whatever address its ack comes from', async () => {
  for (const from of [{}, { from: '999@lid' }]) {
    const { acks, receive, seen } = createAcks();
    const { acknowledged } = acks.expect('A', CHAT);
    receive({ id: 'A', t: '1', phash: '2:abcd', ...from });
    await acknowledged;
    assert.deepEqual(seen, [`devices ${CHAT}`]);
  }
});

test('an empty error refuses nothing, and a time that is none is now', async () => {
  const { acks, receive } = createAcks();
  const { acknowledged } = acks.expect('A', CHAT);
  receive({ id: 'A', t: 'soon', error: '' });
  assert.ok(Math.abs((await acknowledged) - Date.now()) < 10_000);
});

test('a receipt is as good as the ack, but not before the relay is written', async () => {
  const { acks } = createAcks(60_000);
  for (const isEarly of [false, true]) {
    const { acknowledged, relayed } = acks.expect('A', CHAT);
    let isOver = false;
    acknowledged.finally(() => (isOver = true)).catch(() => {});
    if (!isEarly) relayed();
    acks.prove('A', 7);
    if (isEarly) {
      await new Promise(setImmediate);
      assert.equal(isOver, false);
      relayed();
    }
    assert.equal(await acknowledged, 7);
  }
  acks.prove('nobody waits for this', 7);
});
