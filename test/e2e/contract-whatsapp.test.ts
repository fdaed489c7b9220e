import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { after, before, test } from 'node:test';
import { createKeys } from '@postern/registry';
import type { Fault, RelayedMessage } from '@postern/simulator';
import { createPicture } from '../support/distinct-picture.ts';
import {
  assertAcceptedFailure,
  assertNothingLeft,
  assertSent,
  readMessage,
  untilState,
} from '../support/message-status.ts';
import { photo } from '../support/pictures.ts';
import { type Answer, sendImage, sendImageJson } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const ATTEMPTS = 3;
const OWN = '6280000000001';

let stack: Stack;
let image: Buffer;
const stanzas: RelayedMessage[] = [];
before(async () => {
  stack = await startStack({
    workerEnv: {
      SEND_ATTEMPTS: String(ATTEMPTS),
      SEND_BACKOFF_MS: '20',
      ACK_TIMEOUT_MS: '500',
      UPLOAD_TIMEOUT_MS: '1500',
      // New chats are refused only for a moment after WhatsApp has refused one: the tests write to new phones.
      REACH_OUT_HOLD_MS: '1000',
      // Nothing on loopback may be fetched from.
      URL_ALLOW_PRIVATE: '',
    },
    simulator: { autoReceipts: 'none' },
  });
  await stack.pair('my-device', OWN);
  stack.simulator.onMessage((stanza) => stanzas.push(stanza));
  image = await photo(100, 100);
});
after(() => stack.stop());

let lastNumber = 6281234500000;
/** A person nobody has written to yet. */
function someone() {
  lastNumber += 1;
  return stack.simulator.addPhone({ number: String(lastNumber) });
}

const send = (phone: string, picture = image): Promise<Answer> =>
  sendImage(stack.url, 'my-device', { phone, image: picture });
const relayedTo = (jid: string) => stanzas.filter(({ to }) => to === jid);

/** Sends a picture that was never uploaded before to somebody new while WhatsApp behaves so, and only for that send. */
async function sendAmid(fault: Fault) {
  const phone = someone();
  const rule = stack.simulator.faults.add(fault);
  try {
    return { phone, answer: await send(phone.number, await createPicture(lastNumber)) };
  } finally {
    stack.simulator.faults.remove(rule);
  }
}

const fails = (answer: Answer, expected: Parameters<typeof assertAcceptedFailure>[3]) =>
  assertAcceptedFailure(stack, 'my-device', answer, expected);

test('INVALID_JID: a number and a LID that are not on WhatsApp', async () => {
  for (const phone of ['628999999999', '199999999999999@lid']) {
    await fails(await send(phone), { status: 400, code: 'INVALID_JID', message: /not on WhatsApp/ });
  }
  assert.deepEqual(stanzas, [], 'nothing was relayed');
});

test('INVALID_JID: a group that this account is not in, and one that does not exist', async () => {
  const group = stack.simulator.addGroup({ subject: 'Others', members: [someone().number, someone().number] });
  for (const phone of [group.jid, '120363000000000001@g.us']) {
    await fails(await send(phone), { status: 400, code: 'INVALID_JID', message: /not in that group/ });
  }
  assert.deepEqual(stanzas, [], 'nothing was relayed');
});

test('a look-up that fails says nothing about the number: it is made again', async () => {
  const { phone, answer } = await sendAmid({ kind: 'iq_error', xmlns: 'usync', error: 500 });
  const id = assertSent(answer);
  await phone.waitFor((message) => message.id === id);
});

test('SEND_FAILED: look-ups that fail for good, without a word about the number', async () => {
  const { answer } = await sendAmid({ kind: 'iq_error', xmlns: 'usync', error: 500, count: null });
  const failed = await fails(answer, { status: 500, code: 'SEND_FAILED', message: /look-up/ });
  assert.equal(failed['attempts'], ATTEMPTS);
});

test('UPLOAD_MEDIA_ERROR: media servers that refuse, cut off or fall silent', async () => {
  for (const kind of ['upload_refuse', 'upload_reset', 'upload_hang'] as const) {
    const { phone, answer } = await sendAmid({ kind, count: null });
    await fails(answer, { status: 500, code: 'UPLOAD_MEDIA_ERROR', message: /media servers did not take/ });
    assert.deepEqual(relayedTo(phone.jid), [], 'nothing was relayed');
  }
});

test('an upload that fails once is made again', async () => {
  const { phone, answer } = await sendAmid({ kind: 'upload_reset' });
  const id = assertSent(answer);
  assert.equal((await phone.waitFor((message) => message.id === id)).error, undefined);
});

test('SEND_FAILED: a refusal for good has its number and one attempt', async () => {
  const { phone, answer } = await sendAmid({ kind: 'nack', error: 479, count: null });
  const failed = await fails(answer, { status: 500, code: 'SEND_FAILED', results: { reason: 479 } });
  assert.equal(failed['attempts'], 1);
  assert.equal(relayedTo(phone.jid).length, 1);
});

test('SEND_FAILED: a refusal for now is tried again under the same id, and told when it stays', async () => {
  const passing = await sendAmid({ kind: 'nack', error: 500 });
  const id = assertSent(passing.answer);
  assert.deepEqual(
    relayedTo(passing.phone.jid).map((stanza) => [stanza.id, stanza.outcome]),
    [
      [id, 'nacked'],
      [id, 'acked'],
    ],
  );
  assert.equal((await readMessage(stack.url, id)).results['attempts'], 2);
  const lasting = await sendAmid({ kind: 'nack', error: 503, count: null });
  const failed = await fails(lasting.answer, { status: 500, code: 'SEND_FAILED', results: { reason: 503 } });
  assert.equal(failed['attempts'], ATTEMPTS);
  assert.equal(relayedTo(lasting.phone.jid).length, ATTEMPTS);
});

test('WA_REACHOUT_TIMELOCK: 429 and exactly one attempt', async () => {
  const { phone, answer } = await sendAmid({ kind: 'nack', error: 463, count: null });
  const failed = await fails(answer, { status: 429, code: 'WA_REACHOUT_TIMELOCK' });
  assert.equal(failed['attempts'], 1);
  assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
  assert.equal(relayedTo(phone.jid).length, 1);
  // What it holds, it holds for new chats only, and only for a while.
  const stranger = someone();
  const held = await send(stranger.number);
  await fails(held, { status: 429, code: 'WA_REACHOUT_TIMELOCK' });
  assert.equal(held.headers.get('retry-after'), '1');
  assert.equal(relayedTo(stranger.jid).length, 0);
  const { reachOutHold } = createKeys('postern').device('my-device');
  await waitUntil('the hold is over', async () => (await stack.redis.exists(reachOutHold)) === 0);
});

test('a lost ack ends in a resend with the same id, which the phone shows once', async () => {
  const { phone, answer } = await sendAmid({ kind: 'drop_ack' });
  const id = assertSent(answer);
  assert.deepEqual(
    relayedTo(phone.jid).map((stanza) => [stanza.id, stanza.outcome]),
    [
      [id, 'unacked'],
      [id, 'acked'],
    ],
  );
  await phone.waitFor((message) => message.id === id && message.copies === 2);
  assert.equal(phone.received.length, 1);
  await assertNothingLeft(stack, 'my-device');
});

test('ACK_TIMEOUT: never acknowledged within the attempts, all under one id', async () => {
  const { phone, answer } = await sendAmid({ kind: 'drop_ack', count: null });
  const failed = await fails(answer, { status: 500, code: 'ACK_TIMEOUT' });
  assert.equal(failed['attempts'], ATTEMPTS);
  assert.deepEqual(
    relayedTo(phone.jid).map(({ id }) => id),
    Array.from({ length: ATTEMPTS }, () => answer.results['message_id']),
  );
});

test('a message that failed with ACK_TIMEOUT becomes sent by a late ack, and read by a receipt', async () => {
  assertSent(await send(someone().number)); // connected again after the silence before
  const { phone, answer } = await sendAmid({ kind: 'delay_ack', delayMs: 1_900, count: null });
  assert.deepEqual([answer.status, answer.code], [500, 'ACK_TIMEOUT']);
  const id = String(answer.results['message_id']);
  await phone.waitFor((message) => message.id === id);
  phone.read(id);
  const told = await untilState(stack.url, id, 'read');
  assert.equal(told['error'], undefined);
});

test('IMAGE_DOWNLOAD_FAILED: a name that leads to a refused address', async (t) => {
  const name = hostname();
  const addresses = await lookup(name, { all: true }).catch(() => []);
  if (!addresses.some(({ address }) => /^(127|10|192\.168|172\.(1[6-9]|2\d|3[01]))\./.test(address))) {
    return t.skip('the name of this machine leads to no private address');
  }
  const body = { phone: someone().number, image_url: `http://${name}:9/a.jpg` };
  await fails(await sendImageJson(stack.url, 'my-device', body), {
    status: 500,
    code: 'IMAGE_DOWNLOAD_FAILED',
    message: /the name .* leads to a .*address, which is not accepted/,
  });
});
