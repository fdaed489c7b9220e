import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Fault, Phone } from '@postern/simulator';
import { createPicture, sha256 } from '../support/distinct-picture.ts';
import { assertAcceptedFailure, assertNothingLeft, readMessage, untilState } from '../support/message-status.ts';
import { type Answer, sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { recordStanzas, type Stanzas } from '../support/stanzas.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
const ACK_TIMEOUT_MS = 800;
/** One less than what ends a connection. */
const SEND_ATTEMPTS = 2;
let stack: Stack;
let stanzas: Stanzas;
let image: Buffer;
let friend: Phone;

before(async () => {
  stack = await startStack({
    // Only the acks shall tell what became of a message.
    simulator: { autoReceipts: 'none' },
    workerEnv: {
      ACK_TIMEOUT_MS: String(ACK_TIMEOUT_MS),
      SEND_ATTEMPTS: String(SEND_ATTEMPTS),
      SEND_BACKOFF_MS: '50',
    },
  });
  await stack.pair(DEVICE, '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  stanzas = recordStanzas(stack.simulator);
  image = await createPicture();
  await send();
});
after(() => stack.stop());
beforeEach(() => stack.simulator.faults.clear());

const send = (): Promise<Answer> => sendImage(stack.url, DEVICE, { phone: friend.number, image });
const idOf = ({ results }: Answer): string => String(results['message_id']);
const outcomes = (messageId: string) => stanzas.of(messageId).map(({ outcome }) => outcome);

async function assertOnPhone(messageId: string): Promise<void> {
  const received = await friend.waitFor(({ id }) => id === messageId);
  assert.deepEqual([received.error, received.sha256], [undefined, sha256(image)]);
}

const RESENT: [string, Fault, string[]][] = [
  ['the socket dies right after the write', { kind: 'close_before_ack' }, ['lost', 'acked']],
  ['the ack is lost', { kind: 'drop_ack' }, ['unacked', 'acked']],
  ['WhatsApp refuses it for now (503)', { kind: 'nack', error: 503 }, ['nacked', 'acked']],
];
for (const [what, fault, expected] of RESENT) {
  test(`${what}: the message is sent again under its id, and the phone has it`, async () => {
    stack.simulator.faults.add({ ...fault, to: friend.number });
    const answer = await send();
    assert.equal(answer.status, 200);
    assert.deepEqual(outcomes(idOf(answer)), expected);
    await assertOnPhone(idOf(answer));
    assert.equal((await readMessage(stack.url, idOf(answer))).results['attempts'], 2);
    await assertNothingLeft(stack, DEVICE);
  });
}

test('the socket dies right after the ack: the message is sent, and the next one goes through a new socket', async () => {
  stack.simulator.faults.add({ kind: 'close_after_ack', to: friend.number });
  const answer = await send();
  assert.equal(answer.status, 200);
  assert.deepEqual(outcomes(idOf(answer)), ['acked']);
  await assertOnPhone(idOf(answer));
  assert.equal((await send()).status, 200);
});

test('every ack lost is ACK_TIMEOUT after all attempts, with unknown delivery and one id', async () => {
  stack.simulator.faults.add({ kind: 'drop_ack', to: friend.number, count: null });
  const answer = await send();
  assert.deepEqual([answer.status, answer.code], [500, 'ACK_TIMEOUT']);
  assert.deepEqual(outcomes(idOf(answer)), ['unacked', 'unacked']);
  await assertOnPhone(idOf(answer));
  // A receipt proves that it arrived.
  friend.read(idOf(answer));
  await untilState(stack.url, idOf(answer), 'read');
  await assertNothingLeft(stack, DEVICE);
});

test('an ack that comes after its bound turns ACK_TIMEOUT into sent', async () => {
  await send();
  const late = SEND_ATTEMPTS * (ACK_TIMEOUT_MS + 50) + 800;
  stack.simulator.faults.add({ kind: 'drop_ack', to: friend.number, skip: 1 });
  stack.simulator.faults.add({ kind: 'delay_ack', to: friend.number, delayMs: late });
  const answer = await send();
  assert.deepEqual([answer.status, answer.code], [500, 'ACK_TIMEOUT']);
  assert.equal((await readMessage(stack.url, idOf(answer))).results['state'], 'failed');
  const message = await untilState(stack.url, idOf(answer), 'sent');
  assert.deepEqual([message['error'], message['attempts']], [undefined, SEND_ATTEMPTS]);
});

const REFUSED: [number, number, string][] = [
  [463, 429, 'WA_REACHOUT_TIMELOCK'],
  [479, 500, 'SEND_FAILED'],
  [403, 500, 'SEND_FAILED'],
  [404, 400, 'INVALID_JID'],
];
for (const [error, status, code] of REFUSED) {
  test(`a refusal with ${error} is ${status} ${code}, and exactly one stanza`, async () => {
    stack.simulator.faults.add({ kind: 'nack', error, to: friend.number, count: null });
    const answer = await send();
    assert.equal(answer.results['reason'], error);
    assert.deepEqual(outcomes(idOf(answer)), ['nacked']);
    const failed = await assertAcceptedFailure(stack, DEVICE, answer, { status, code });
    assert.equal(failed['attempts'], 1);
  });
}

test('a refusal that may pass is tried as often as allowed', async () => {
  stack.simulator.faults.add({ kind: 'nack', error: 500, to: friend.number, count: null });
  const answer = await send();
  assert.deepEqual([answer.status, answer.code, answer.results['reason']], [500, 'SEND_FAILED', 500]);
  assert.deepEqual(outcomes(idOf(answer)), ['nacked', 'nacked']);
});

test('three acks missing in a row end the connection, and the next socket sends what was under way', async () => {
  await send();
  const { logins } = stack.simulator.stats();
  stack.simulator.faults.add({ kind: 'drop_ack', to: friend.number, count: SEND_ATTEMPTS + 1 });
  assert.equal((await send()).code, 'ACK_TIMEOUT');
  assert.equal((await send()).code, 'SUCCESS');
  assert.equal(stack.simulator.stats().logins, logins + 1);
});

test('after all of this the phone has one message for each id that was not refused, and nothing else', async () => {
  const relayed = stanzas.all.filter(({ outcome }) => outcome === 'acked' || outcome === 'unacked');
  const ids = new Set(relayed.map(({ id }) => id));
  await waitUntil('the phone shows them all', () => friend.received.length >= ids.size);
  assert.deepEqual(new Set(friend.received.map(({ id }) => id)), ids);
  assert.equal(friend.received.length, ids.size);
});
