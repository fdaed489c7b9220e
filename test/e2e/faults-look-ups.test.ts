import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Fault, Phone } from '@postern/simulator';
import { request } from '../support/api.ts';
import { createPicture, sha256 } from '../support/distinct-picture.ts';
import { assertAcceptedFailure, assertSent } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { recordStanzas, type Stanzas } from '../support/stanzas.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
const QUERY_TIMEOUT_MS = 1_000;
let stack: Stack;
let stanzas: Stanzas;
let seeds = 0;
let numbers = 6281000000000;

before(async () => {
  stack = await startStack({
    workerEnv: { QUERY_TIMEOUT_MS: String(QUERY_TIMEOUT_MS), SEND_BACKOFF_MS: '50', ACK_TIMEOUT_MS: '5000' },
  });
  await stack.pair(DEVICE, '6280000000001');
  stanzas = recordStanzas(stack.simulator);
});
after(() => stack.stop());
beforeEach(() => stack.simulator.faults.clear());

/** A phone that this account has never written to. */
function stranger(): Phone {
  numbers += 1;
  return stack.simulator.addPhone({ number: String(numbers) });
}

async function assertArrivesOnce(phone: Phone): Promise<void> {
  // Another picture each time: nothing that was uploaded before can be used again.
  seeds += 1;
  const image = await createPicture(seeds);
  const id = assertSent(await sendImage(stack.url, DEVICE, { phone: phone.number, image }));
  const received = await phone.waitFor((message) => message.id === id);
  assert.deepEqual([received.error, received.sha256, received.copies], [undefined, sha256(image), 1]);
  assert.equal(phone.received.length, 1);
  assert.equal(stanzas.of(id).length, 1);
}

const assertStruck = (fault: string) =>
  assert.equal(stack.simulator.faults.list().find(({ id }) => id === fault)?.hits, 1);

const QUERIES: [string, Fault][] = [
  ['the question whether the number is there', { kind: 'iq_silence', xmlns: 'usync' }],
  ['the question for its devices', { kind: 'iq_silence', xmlns: 'usync', skip: 1 }],
  ['the question for its keys', { kind: 'iq_silence', xmlns: 'encrypt' }],
  ['the question for the media servers', { kind: 'iq_silence', xmlns: 'w:m' }],
];
for (const [what, fault] of QUERIES) {
  test(`${what} stays unanswered: it is asked again, and the message arrives once`, async () => {
    const struck = stack.simulator.faults.add(fault);
    // The media servers are asked for once a connection.
    if (fault.xmlns === 'w:m') await reconnect();
    await assertArrivesOnce(stranger());
    assertStruck(struck);
  });
}

test('a number that is not on WhatsApp is INVALID_JID, by one attempt, and nothing is sent to it', async () => {
  const stanzasBefore = stanzas.all.length;
  const answer = await sendImage(stack.url, DEVICE, { phone: '6289999999999', image: await createPicture() });
  const failed = await assertAcceptedFailure(stack, DEVICE, answer, { status: 400, code: 'INVALID_JID' });
  assert.equal(failed['attempts'], 1);
  assert.equal(stanzas.all.length, stanzasBefore);
});

test('a look-up that WhatsApp answers with an error says nothing about the number', async () => {
  const struck = stack.simulator.faults.add({ kind: 'iq_error', xmlns: 'usync', error: 429 });
  await assertArrivesOnce(stranger());
  assertStruck(struck);
});

test('one failed media_conn query spoils no later send of the same socket', async () => {
  await reconnect();
  const { logins } = stack.simulator.stats();
  const struck = stack.simulator.faults.add({ kind: 'iq_error', xmlns: 'w:m', error: 500 });
  await assertArrivesOnce(stranger());
  await assertArrivesOnce(stranger());
  assertStruck(struck);
  assert.equal(stack.simulator.stats().logins, logins);
});

const CUTS: [string, Fault][] = [
  ['a stream error comes', { kind: 'stream_error', code: 503, xmlns: 'usync', skip: 1 }],
  ['the TCP connection drops', { kind: 'close', xmlns: 'usync', skip: 1 }],
  ['the TCP connection drops before the keys', { kind: 'close', xmlns: 'encrypt' }],
];
for (const [what, fault] of CUTS) {
  test(`${what} while a send waits for an answer: it fails at once and goes on with the next socket`, async () => {
    const struck = stack.simulator.faults.add(fault);
    const { logins } = stack.simulator.stats();
    const startedAt = Date.now();
    await assertArrivesOnce(stranger());
    assertStruck(struck);
    assert.equal(stack.simulator.stats().logins, logins + 1);
    // Reconnecting takes half a second to a second; an unanswered question would add its whole bound.
    assert.ok(Date.now() - startedAt < 4 * QUERY_TIMEOUT_MS);
  });
}

async function reconnect(): Promise<void> {
  const { logins } = stack.simulator.stats();
  await request(stack.url, 'POST', `/devices/${DEVICE}/reconnect`);
  await waitUntil('the device has logged in again', () => stack.simulator.stats().logins > logins);
}
