import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { request, untilConnection } from '../support/api.ts';
import { createPicture, sha256 } from '../support/distinct-picture.ts';
import { assertNothingLeft, assertSent, untilState } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { recordStanzas, type Stanzas } from '../support/stanzas.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
const CHATS = 3;
const PER_CHAT = 10;
let stack: Stack;
let stanzas: Stanzas;
let images: Buffer[];
let worker: ServiceProcess;

before(async () => {
  stack = await startStack({
    // Only the acks shall end a message.
    simulator: { autoReceipts: 'none' },
    workerEnv: { LEASE_TTL_MS: '2000', LANE_CONCURRENCY: '6', ACK_TIMEOUT_MS: '10000', SEND_BACKOFF_MS: '50' },
  });
  worker = stack.worker;
  await stack.pair(DEVICE, '6280000000001');
  stanzas = recordStanzas(stack.simulator);
  images = await Promise.all(Array.from({ length: PER_CHAT }, (_, seed) => createPicture(seed)));
});
after(() => stack.stop());
afterEach(() => stack.simulator.faults.clear());

interface Accepted {
  id: string;
  phone: Phone;
  image: Buffer;
}

/** Accepts messages for several chats, one after the other, without waiting for any. */
async function accept(firstNumber: number): Promise<Accepted[]> {
  const phones = Array.from({ length: CHATS }, (_, chat) =>
    stack.simulator.addPhone({ number: String(firstNumber + chat) }),
  );
  const accepted: Accepted[] = [];
  for (let count = 0; count < PER_CHAT; count += 1) {
    for (const phone of phones) {
      // Another picture each time: nothing that was uploaded before can be used again.
      const image = await createPicture(firstNumber + accepted.length);
      const answer = await sendImage(
        stack.url,
        DEVICE,
        { phone: phone.number, image },
        { Prefer: 'respond-async, wait=0' },
      );
      assert.equal(answer.status, 202);
      accepted.push({ id: String(answer.results['message_id']), phone, image });
    }
  }
  return accepted;
}

/** Each arrives with its own picture and id, in the order of acceptance within its chat, and nothing else does. */
async function assertAllArrived(accepted: Accepted[]): Promise<void> {
  for (const { id, phone, image } of accepted) {
    const received = await phone.waitFor((message) => message.id === id, 20_000);
    assert.deepEqual([received.error, received.sha256], [undefined, sha256(image)]);
  }
  for (const phone of new Set(accepted.map((message) => message.phone))) {
    const ids = accepted.filter((message) => message.phone === phone).map(({ id }) => id);
    assert.deepEqual(stanzas.order(phone.jid), ids);
    assert.equal(phone.received.length, ids.length);
  }
  for (const { id } of accepted) await untilState(stack.url, id, 'sent');
  await assertNothingLeft(stack, DEVICE);
}

/** Acks are held back from the 7th message on, uploads from the 9th. */
function hold(): void {
  const device = stack.simulator.connections()[0]?.device ?? '';
  stack.simulator.faults.add({ kind: 'drop_ack', device, skip: 6, count: null });
  stack.simulator.faults.add({ kind: 'upload_hang', skip: 8, count: null });
}

/** Some are sent, some wait for their ack, some are being uploaded, some wait in the lane. */
async function untilInEveryStage(accepted: Accepted[]): Promise<void> {
  await waitUntil('messages are in every stage', async () => {
    const { waiting, active } = await stack.leftovers(DEVICE);
    const written = accepted.filter(({ id }) => stanzas.of(id).some(({ outcome }) => outcome === 'unacked')).length;
    return waiting > 0 && written > 0 && active > written;
  });
}

test('a worker killed with messages in every stage loses none, doubles none, and keeps their order', async () => {
  hold();
  const accepted = await accept(6281000000001);
  await untilInEveryStage(accepted);
  worker.kill('SIGKILL');
  await worker.exited;
  stack.simulator.faults.clear();
  const { logins } = stack.simulator.stats();
  worker = await stack.startWorker();
  await assertAllArrived(accepted);
  const resent = accepted.filter(({ id }) => stanzas.of(id).length > 1);
  assert.ok(resent.length > 0);
  // The login goes on with the credentials that are kept: nobody scans anything.
  assert.equal(stack.simulator.stats().logins, logins + 1);
});

test('SIGTERM hands back what is not acknowledged, exits 0 within seconds, and the next worker sends it', async () => {
  hold();
  const accepted = await accept(6282000000001);
  await untilInEveryStage(accepted);
  const startedAt = Date.now();
  worker.kill('SIGTERM');
  assert.equal(await worker.exited, 0);
  assert.ok(Date.now() - startedAt < 6_000);
  // Nothing is in hand of nobody: everything went back to the lane.
  assert.equal((await stack.leftovers(DEVICE)).active, 0);
  stack.simulator.faults.clear();
  worker = await stack.startWorker();
  await assertAllArrived(accepted);
});

test('SIGTERM with nothing in hand exits 0 at once; the device is owned again without waiting for a lease', async () => {
  const startedAt = Date.now();
  worker.kill('SIGTERM');
  assert.equal(await worker.exited, 0);
  assert.ok(Date.now() - startedAt < 1_500);
  worker = await stack.startWorker({ LEASE_TTL_MS: '60000' });
  await untilConnection(stack.url, DEVICE, 'connected', 5_000);
});

test('a gateway killed while its clients wait loses nothing it accepted, and another one tells what became of it', async () => {
  const phone = stack.simulator.addPhone({ number: '6283000000001' });
  const doomed = await stack.startGateway();
  const url = `http://127.0.0.1:${String(doomed.ready['port'])}`;
  // Four messages wait for their acks, which come once the gateway is gone.
  stack.simulator.faults.add({ kind: 'delay_ack', to: phone.number, count: 4, delayMs: 2_000 });
  const clients = images.slice(0, 4).map((image) => sendImage(url, DEVICE, { phone: phone.number, image }));
  const outcomes = Promise.allSettled(clients);
  await waitUntil('all four are with WhatsApp', () => stanzas.order(phone.jid).length === 4);
  doomed.kill('SIGKILL');
  await doomed.exited;
  for (const { status } of await outcomes) assert.equal(status, 'rejected');
  const fresh = await stack.startGateway();
  const freshUrl = `http://127.0.0.1:${String(fresh.ready['port'])}`;
  for (const id of stanzas.order(phone.jid)) {
    await untilState(freshUrl, id, 'sent');
    await phone.waitFor((message) => message.id === id);
    assert.equal(stanzas.of(id).length, 1);
  }
  await assertNothingLeft(stack, DEVICE);
});

test('a message accepted while no worker lives is sent by the next one', async () => {
  worker.kill('SIGTERM');
  await worker.exited;
  const phone = stack.simulator.addPhone({ number: '6284000000001' });
  const waiting = sendImage(stack.url, DEVICE, { phone: phone.number, image: images[0] ?? Buffer.alloc(0) });
  await waitUntil('it waits', async () => (await stack.leftovers(DEVICE)).waiting === 1);
  worker = await stack.startWorker();
  const id = assertSent(await waiting);
  await phone.waitFor((message) => message.id === id);
});

test('the whole time the device was linked once', async () => {
  const { status } = await request(stack.url, 'GET', `/devices/${DEVICE}/login`);
  assert.equal(status, 409);
});
